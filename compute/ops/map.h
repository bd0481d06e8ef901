/* What ops that write a whole padded map texel by texel share.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

/* Fills a CbamMapArgs (but lo and hi) and the groups: one invocation per texel of the output, border included. */
void cbam_map_fill_dispatch (const CbamNode *node, CbamDispatch *ret_dispatch);
