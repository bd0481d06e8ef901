/* What conv and depthwise share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/conv.h"
#include "graph/graph.h"

G_BEGIN_DECLS

/* The zero border that the kernel reads around its input, in pixels. */
guint cbam_conv_border (const CbamNode *node, guint i);

/* Fills all push constants but the bias, groups[0] (tiles of @tile_pixels output pixels, then border cells by
 * @threads) and groups[2]. */
void cbam_conv_fill_args (const CbamNode *node, guint tile_pixels, guint threads, CbamDispatch *ret_dispatch);

G_END_DECLS
