/* channel_gate: a channel gate in one piece; its weights and parameters, for the ops that have one in them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/conv.h"
#include "ops/global_pool.h"

extern const CbamOpClass cbam_op_channel_gate;

/* global_pool, two convolutions of what it gives, sum over the pools, sigmoid. */
typedef struct
{
  CbamGlobalPoolParams pool;
  CbamConvParams first, second;
} CbamChannelGateParams;

guint cbam_channel_gate_hidden (const CbamChannelGateParams *params);

/* Floats, and their order: W0 by hidden channel, b0, W1 by hidden channel, b1 as often as there are pools; each a
 * multiple of four. */
gsize cbam_channel_gate_packed_size (const CbamChannelGateParams *params, guint channels);
void cbam_channel_gate_pack (const CbamChannelGateParams *params, guint channels, float *out);

/* What the fusion looks for, with @hidden channels between its layers. */
CbamValue *cbam_channel_gate_add_case (CbamGraph *graph, const CbamOpCase *shape, CbamValue *const *inputs);

CBAM_OP_PARAMS (CbamChannelGateParams, cbam_channel_gate_params)
