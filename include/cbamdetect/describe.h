/* CbamDescription: what a network is made of, without a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/info.h>

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

#define CBAM_TYPE_DESCRIPTION (cbam_description_get_type ())
CBAM_API GType cbam_description_get_type (void) G_GNUC_CONST;
/**
 * cbam_description_ref:
 * @description: what is to be kept
 *
 * Returns: (transfer full): the same, with one reference more
 */
CBAM_API CbamDescription *cbam_description_ref (CbamDescription *description);
/**
 * cbam_description_unref:
 * @description: (nullable): a description
 *
 * Gives a reference back.
 */
CBAM_API void cbam_description_unref (CbamDescription *description);

/**
 * cbam_description_get_info:
 * @description: a description
 *
 * Returns: (transfer none): what is known of the network as a whole, as long as @description lives
 */
CBAM_API const CbamModelInfo *cbam_description_get_info (const CbamDescription *description);

/**
 * cbam_description_get_n_layers:
 * @description: a description
 *
 * Returns: how many layers there are
 */
CBAM_API guint cbam_description_get_n_layers (const CbamDescription *description);

/**
 * cbam_description_get_layer:
 * @description: a description
 * @i: place in running order, below cbam_description_get_n_layers()
 *
 * Returns: (transfer none): layer @i, as long as @description lives
 */
CBAM_API const CbamLayerInfo *cbam_description_get_layer (const CbamDescription *description, guint i);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamDescription, cbam_description_unref)

G_END_DECLS
