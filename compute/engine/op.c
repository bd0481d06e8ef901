/* What kernels ask of devices.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/op.h"

/* Maps that are read, weights and pixels are views of texels where a kernel knows such; what is written never is. */
guint
cbam_variant_get_bindings (const CbamOpVariant *variant, const CbamNode *node,
                           CbamBinding ret_bindings[CBAM_MAX_BINDINGS])
{
  const gboolean texels = (variant->needs & CBAM_NEED_TEXELS) != 0;
  guint n = 0;

  for (guint i = 0; i < node->n_inputs; i++) {
    const CbamValue *in = node->inputs[i];

    ret_bindings[n++] = (CbamBinding){ CBAM_BIND_INPUT, in, texels && (in->kind == CBAM_VALUE_MAP || in->is_frame) };
  }
  if (variant->packing != NULL)
    ret_bindings[n++] = (CbamBinding){ CBAM_BIND_WEIGHTS, NULL, texels };
  for (guint i = 0; i < node->n_outputs; i++)
    ret_bindings[n++] = (CbamBinding){ CBAM_BIND_OUTPUT, node->outputs[i], FALSE };
  if (cbam_variant_get_type (variant) == CBAM_TYPE_F16 && node->outputs[0]->kind == CBAM_VALUE_MAP)
    ret_bindings[n++] = (CbamBinding){ CBAM_BIND_LARGEST, NULL, FALSE };
  return n;
}

const CbamShader *
cbam_variant_get_shader (const CbamOpVariant *variant, const CbamDeviceCaps *caps)
{
  return caps->int64 || variant->narrow == NULL ? variant->shader : variant->narrow;
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
         (variant->thin == NULL || cbam_shader_fits (variant->thin, variant->args_size, caps, ret_shortage));
}

CbamScaling
cbam_op_scales_all (const CbamNode *node)
{
  return CBAM_SCALING_SAME;
}

gboolean
cbam_op_runs (const CbamOpClass *op, CbamType type, const CbamDeviceCaps *caps)
{
  CbamShortage unused;

  for (guint v = 0; v < op->n_variants; v++)
    if (cbam_variant_get_type (&op->variants[v]) == type && cbam_variant_runs (&op->variants[v], caps, &unused))
      return TRUE;
  return FALSE;
}
