/* All ops. Tests walk this array.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/op.h"

/* A map the host writes before the run: nothing to do. */
static void
nothing (CbamReference *reference, const CbamNode *node)
{
}

const CbamOpClass cbam_op_input = { .name = "input", .reference = nothing };

const CbamOpClass *const cbam_ops[] = {
  &cbam_op_input,      &cbam_op_preprocess, &cbam_op_conv,    &cbam_op_depthwise, &cbam_op_batch_norm,
  &cbam_op_activation, &cbam_op_max_pool,   &cbam_op_l2_norm, &cbam_op_detect,    NULL,
};
