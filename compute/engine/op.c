/* What kernels ask of devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/op.h"

guint
cbam_variant_count_bindings (const CbamOpVariant *variant)
{
  guint n = 0;

  while (n < CBAM_MAX_BINDINGS && variant->bindings[n] != CBAM_BIND_END)
    n++;
  return n;
}

/* Parameters, results and outputs never are. */
gboolean
cbam_variant_binds_texels (const CbamOpVariant *variant, CbamBinding binding)
{
  if (!(variant->needs & CBAM_NEED_TEXELS))
    return FALSE;
  return binding == CBAM_BIND_INPUT || binding == CBAM_BIND_INPUT_1 || binding == CBAM_BIND_INPUT_2 ||
         binding == CBAM_BIND_WEIGHTS || binding == CBAM_BIND_PIXELS;
}

const CbamShader *
cbam_variant_get_shader (const CbamOpVariant *variant, const CbamDeviceCaps *caps)
{
  return caps->int64 || !variant->narrow ? variant->shader : variant->narrow;
}

gboolean
cbam_variant_runs (const CbamOpVariant *variant, const CbamDeviceCaps *caps, CbamShortage *ret_shortage)
{
  if ((variant->needs & CBAM_NEED_SUBGROUP_8) && caps->subgroup_size != 8) {
    *ret_shortage = (CbamShortage){ "lanes in a subgroup", 8, caps->subgroup_size };
    return FALSE;
  }
  if ((variant->needs & CBAM_NEED_TEXELS) && caps->max_texels == 0) {
    *ret_shortage = (CbamShortage){ "texels in a buffer", 1, 0 };
    return FALSE;
  }
  return cbam_shader_fits (cbam_variant_get_shader (variant, caps), variant->args_size, caps, ret_shortage) &&
         (!variant->thin || cbam_shader_fits (variant->thin, variant->args_size, caps, ret_shortage));
}

gboolean
cbam_op_runs (const CbamOpClass *op, const CbamDeviceCaps *caps)
{
  CbamShortage unused;

  for (guint v = 0; v < op->n_variants; v++)
    if (cbam_variant_runs (&op->variants[v], caps, &unused))
      return TRUE;
  return FALSE;
}
