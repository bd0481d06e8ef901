/* A channel gate's weights and parameters, for the ops that have one in them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

/* Whether pooling @x by @pool, with @hidden channels between the layers, fits what the kernel can do. */
gboolean cbam_channel_gate_fits (const CbamGlobalPoolParams *pool, const CbamValue *x, guint hidden);

guint cbam_channel_gate_hidden (const CbamChannelGateParams *params);

/* Floats, and their order: W0 by hidden channel, b0, W1 by hidden channel, b1 as often as there are pools; each a
 * multiple of four. */
gsize cbam_channel_gate_packed_size (const CbamChannelGateParams *params, guint channels);
void cbam_channel_gate_pack (const CbamChannelGateParams *params, guint channels, float *out);

G_END_DECLS
