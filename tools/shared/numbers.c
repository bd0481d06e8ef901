/* Lists of measured numbers: their order, and where a share of them lies.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "numbers.h"

int
by_rising_value (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

double
quantile (const GArray *sorted, double share)
{
  const double place = share * (sorted->len - 1);
  const guint below = (guint) place, above = MIN (below + 1, sorted->len - 1);
  const double low = g_array_index (sorted, double, below), high = g_array_index (sorted, double, above);
  return low + (place - below) * (high - low);
}
