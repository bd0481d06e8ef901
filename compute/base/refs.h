/* Counting references to what a table may still find: the table holds none, and its lock is needed for the last one
 * only, so that who drops another never waits for the table.
 *
 *     if (cbam_refs_drop_unless_last (&thing->refs))
 *       return;
 *     lock;  last = g_atomic_int_dec_and_test (&thing->refs);  if (last) remove from the table;  unlock
 *     if (last) free
 *
 * Whoever finds a thing in the table takes a reference under the same lock, and so never one after the last.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Takes one away if others are left. FALSE: it may be the last, and is still there. */
static inline gboolean
cbam_refs_drop_unless_last (gint *refs)
{
  gint n = g_atomic_int_get (refs);

  while (n > 1) {
    if (g_atomic_int_compare_and_exchange (refs, n, n - 1))
      return TRUE;
    n = g_atomic_int_get (refs);
  }
  return FALSE;
}
