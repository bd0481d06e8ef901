/* cbam: all of CBAM on a small map in one piece.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/channel_gate.h"

extern const CbamOpClass cbam_op_cbam;

/* Channels first: a channel gate, and the spatial gate's convolution of two maps. */
typedef struct
{
  CbamChannelGateParams channel;
  CbamConvParams spatial;
  gboolean mean_first;
} CbamCbamParams;

CBAM_OP_PARAMS (CbamCbamParams, cbam_cbam_params)
