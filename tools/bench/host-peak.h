/* The host processor's own multiply-and-add ceiling, without fused operations.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The best of a few rounds of separate fp32 multiplies and adds on 256-bit vectors, in 1e9 operations a second, on as
 * many threads as the process may use processors (also in @threads). Takes about half a second. */
double host_peak_measure (guint *threads);

G_END_DECLS
