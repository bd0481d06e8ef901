/* What may be combined element by element.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/value.h"

G_BEGIN_DECLS

/* Whether @input counts for all of @output: as large as it in each of place and channels, or 1 there. */
gboolean cbam_combine_fits (const CbamValue *output, const CbamValue *input);

G_END_DECLS
