/* What resize and turn share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

/* Fills a CbamResizeArgs but for what tells the two apart, and the groups. */
void cbam_resize_fill (const CbamNode *node, CbamDispatch *ret_dispatch);

G_END_DECLS
