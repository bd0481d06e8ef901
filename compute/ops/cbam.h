/* Whether CBAM can be had in one piece.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

G_BEGIN_DECLS

/* Whether a module with @params on @x fits the kernel's shared memory. */
gboolean cbam_cbam_fits (const CbamCbamParams *params, const CbamValue *x);

G_END_DECLS
