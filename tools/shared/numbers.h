/* Lists of measured numbers: their order, and where a share of them lies.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Compares two doubles for a sort: the smallest first. */
int by_rising_value (gconstpointer a, gconstpointer b);

/* The value below which a @share from 0 to 1 of @sorted (doubles, at least one) lies; between the two values nearest to
 * that place by proportion. */
double quantile (const GArray *sorted, double share);

G_END_DECLS
