/* CbamParam: numbers that were learned; and where a graph gets them from.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Named float32 weights of known shape. */
typedef struct
{
  char *name;
  guint n_dims;
  gsize dims[4];
  gsize n;
  float *values;
} CbamParam;

/* Where a graph's weights come from: a model file, or made up. */
typedef struct _CbamParamSource CbamParamSource;
struct _CbamParamSource
{
  /* Fills @param->values (allocated, n floats), or fails with what was expected and found. */
  gboolean (*read) (CbamParamSource *source, CbamParam *param, GError **error);
  /* Whether there is a tensor of that name. */
  gboolean (*has) (CbamParamSource *source, const char *name);
  /* Dimension @i of a tensor; 0 when there is no such tensor or dimension. */
  gsize (*dim) (CbamParamSource *source, const char *name, guint i);
};

/* How many numbers; @param may be NULL: none. */
static inline gsize
cbam_param_count (const CbamParam *param)
{
  return param != NULL ? param->n : 0;
}
