/* sigmoid: 1 / (1 + exp (-x)) of each number.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/map.h"

#include <math.h>

#include "ops/map.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

static void
dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  cbam_map_fill_dispatch (node, ret_dispatch);
}

static const CbamOpVariant variants[] = {
  { .name = "texel",
    .shader = &cbam_shader_sigmoid_texel,
    .needs = CBAM_NEED_TEXELS,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
  { .name = "plain",
    .shader = &cbam_shader_sigmoid_plain,
    .bindings = { CBAM_BIND_INPUT, CBAM_BIND_OUTPUT },
    .args_size = sizeof (CbamMapArgs),
    .dispatch = dispatch },
};

static void
reference (CbamReference *run, const CbamNode *node)
{
  const CbamValue *out = node->output;
  const float *x = cbam_reference_get (run, node->inputs[0]);
  float *y = cbam_reference_get (run, out);

  for (gsize i = 0; i < (gsize) out->width * out->height * out->channels; i++)
    y[i] = (float) (1 / (1 + exp (-(double) x[i])));
}

const CbamOpClass cbam_op_sigmoid = {
  .name = "sigmoid",
  .reference = reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
