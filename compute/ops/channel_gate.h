/* Whether a channel gate can be had in one piece.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* Of @pools ways of pooling @channels channels, @hidden between the layers: whether they fit the kernel's shared
 * memory. */
gboolean cbam_channel_gate_fits (guint pools, guint channels, guint hidden);

G_END_DECLS
