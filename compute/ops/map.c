/* What ops share that make a map from another of the same size, texel by texel.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/map.h"

#include "args/map.h"

void
cbam_map_fill_dispatch (const CbamNode *node, CbamDispatch *ret_dispatch)
{
  const CbamValue *out = node->outputs[0];
  const guint texels = (out->width + 2 * out->border) * (out->height + 2 * out->border);
  CbamMapArgs *args = (CbamMapArgs *) ret_dispatch->args;

  *args = (CbamMapArgs){ .y = out->view, .width = out->width, .height = out->height, .border = out->border };
  args->blocks = cbam_value_blocks (out);
  args->channels = out->channels;
  if (node->n_inputs > 0)
    args->x = node->inputs[0]->view;
  ret_dispatch->groups[0] = (texels + CBAM_THREADS - 1) / CBAM_THREADS;
  ret_dispatch->groups[1] = cbam_value_blocks (out);
}
