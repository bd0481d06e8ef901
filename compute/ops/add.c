/* add: the sum of two maps, element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "args/combine.h"

#include "ops/combine.h"
#include "ops/padded.h"
#include "ops/shaders.h"
#include "run/reference/reference.h"

static gboolean
has_two (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2;
}

static const CbamOpVariant variants[] = {
  CBAM_TEXEL_AND_PLAIN ("", add, CbamCombineArgs, cbam_combine_dispatch, has_two, CBAM_BIND_INPUT, CBAM_BIND_INPUT_1,
                        CBAM_BIND_OUTPUT),
};

const CbamOpClass cbam_op_add = {
  .name = "add",
  .reference = cbam_combine_reference,
  .variants = variants,
  .n_variants = G_N_ELEMENTS (variants),
};
