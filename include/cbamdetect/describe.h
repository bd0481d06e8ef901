/* CbamDescription: what a network is made of, without a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

/**
 * CbamLayerInfo:
 * @name: as the model file names it
 * @kind: the op, e.g. `conv`
 * @shape: output as `WxHxC`
 * @parameters: trainable numbers: weights, biases, scales and shifts; running statistics are not counted
 * @macs: multiply-adds of one frame by the op's definition
 * @bytes: of its output in float32
 *
 * One layer as the recipe means it, before any fusion. Strings belong to the description.
 */
typedef struct
{
  const char *name;
  const char *kind;
  const char *shape;
  guint64 parameters;
  guint64 macs;
  guint64 bytes;
} CbamLayerInfo;

typedef struct _CbamDescription CbamDescription;

/**
 * cbam_describe:
 * @model: path of a model file, or the name of a preset
 * @error: return location for an error
 *
 * Returns: (transfer full): the description, or %NULL with the errors of cbam_model_load()
 */
CBAM_API CbamDescription *cbam_describe (const char *model, GError **error);
/** cbam_description_free: @description may be %NULL. */
CBAM_API void cbam_description_free (CbamDescription *description);

CBAM_API const char *cbam_description_get_name (const CbamDescription *description);
CBAM_API guint64 cbam_description_get_parameters (const CbamDescription *description);
CBAM_API guint64 cbam_description_get_macs (const CbamDescription *description);

/**
 * cbam_description_get_layers:
 * @description: a description
 * @n: (out): how many there are
 *
 * Returns: (array length=n) (transfer none): the layers in running order
 */
CBAM_API const CbamLayerInfo *cbam_description_get_layers (const CbamDescription *description, gsize *n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDescription, cbam_description_free)

G_END_DECLS
