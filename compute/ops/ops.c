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
  &cbam_op_input,        &cbam_op_preprocess,   &cbam_op_conv,
  &cbam_op_depthwise,    &cbam_op_deconv,       &cbam_op_depthwise_deconv,
  &cbam_op_batch_norm,   &cbam_op_activation,   &cbam_op_sigmoid,
  &cbam_op_add,          &cbam_op_multiply,     &cbam_op_global_pool,
  &cbam_op_channel_pool, &cbam_op_channel_gate, &cbam_op_cbam,
  &cbam_op_resize,       &cbam_op_turn,         &cbam_op_max_pool,
  &cbam_op_l2_norm,      &cbam_op_detect,       NULL,
};
