/* The driver's worker threads, which a CPU device computes on: finding them and giving each a processor of its own.
 *
 *     GHashTable *times = workers_watch ();
 *     ... let the device work ...
 *     n = workers_pin (times);
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Begins to watch: how long each thread of this process has run, in ns by thread id; NULL where the system does not
 * tell. */
GHashTable *workers_watch (void);

/* Ends it: pins the threads that ran most since @times, one to each processor of the process, and returns their number.
 * It is 0, and nothing is done, where there is one processor only, or not a busy thread for each that was there before
 * and is there still: what is not understood is left to the scheduler. Takes @times, which may be NULL. */
guint workers_pin (GHashTable *times);

G_END_DECLS
