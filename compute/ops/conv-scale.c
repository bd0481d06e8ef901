/* What becomes of convolutions whose input or output is stored as a fraction of what it was (engine/scale.h).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "ops/conv.h"

CbamScaling
cbam_conv_scaling (const CbamNode *node)
{
  const CbamConvParams *p = cbam_conv_params (node);

  return p->sigmoid || !cbam_activation_is_homogeneous (&p->activation) ? CBAM_SCALING_INPUT : CBAM_SCALING_BOTH;
}

/* 2^@exponent times @param, which others may read too. */
static CbamParam *
multiply (CbamGraph *graph, const CbamParam *param, gint exponent)
{
  CbamParam *product = cbam_graph_add_param (graph, param->name, param->n_dims, param->dims);

  product->values = g_new (float, param->n);
  for (gsize i = 0; i < param->n; i++)
    product->values[i] = ldexpf (param->values[i], exponent);
  return product;
}

void
cbam_conv_rescale (CbamGraph *graph, CbamNode *node, gint in, gint out)
{
  CbamConvParams *p = cbam_conv_params (node);

  if (in != out)
    p->weight = multiply (graph, p->weight, in - out);
  if (p->bias != NULL && out != 0)
    p->bias = multiply (graph, p->bias, -out);
  cbam_activation_rescale (&p->activation, out);
}
