/* What ops share that combine maps element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/op.h"

G_BEGIN_DECLS

/* Whether @input counts for all of @output: as large as it in each of place and channels, or 1 there. */
gboolean cbam_combine_fits (const CbamValue *output, const CbamValue *input);

void cbam_combine_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);
void cbam_combine_reference (CbamReference *run, const CbamNode *node);

G_END_DECLS
