/* Which threads are the driver's workers shows in their running times: nobody else computes while a frame does. Linux
 * tells those in /proc and pins single threads; elsewhere nothing is found and nothing pinned.
 *
 * Why it matters: lavapipe wakes its workers for every dispatch, and the scheduler at times puts two on one processor
 * for a dispatch or for as long as the process lives. A measurement then shows the scheduler's luck: up to twice the
 * time.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "workers.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define TASKS "/proc/self/task"

/* Workers share a dispatch about evenly; a thread that ran less than this part of the busiest one is something else. */
#define BUSY_PART 0.5

typedef struct
{
  int id;
  guint64 ran; /* ns */
} Thread;

GHashTable *
workers_watch (void)
{
  g_autoptr (GDir) tasks = g_dir_open (TASKS, 0, NULL);
  g_autoptr (GHashTable) times = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
  const char *name;

  if (tasks == NULL)
    return NULL;
  while ((name = g_dir_read_name (tasks)) != NULL) {
    g_autofree char *path = g_build_filename (TASKS, name, "schedstat", NULL);
    g_autofree char *text = NULL; /* ns run, ns waited, time slices */

    if (!g_file_get_contents (path, &text, NULL, NULL))
      continue; /* ended since the folder was read */
    const guint64 ran = g_ascii_strtoull (text, NULL, 10);
    g_hash_table_insert (times, GINT_TO_POINTER (atoi (name)), g_memdup2 (&ran, sizeof ran));
  }
  return g_steal_pointer (&times);
}

static int
compare_falling (gconstpointer a, gconstpointer b)
{
  const Thread *x = a, *y = b;
  return (x->ran < y->ran) - (x->ran > y->ran);
}

/* Threads of both times but the main one, by how long they ran between them, longest first. */
static GArray *
rank_threads (GHashTable *before, GHashTable *after)
{
  GArray *threads = g_array_new (FALSE, FALSE, sizeof (Thread));
  GHashTableIter iter;
  gpointer id, ran;

  g_hash_table_iter_init (&iter, after);
  while (g_hash_table_iter_next (&iter, &id, &ran)) {
    const guint64 *earlier = g_hash_table_lookup (before, id);
    const Thread thread = { GPOINTER_TO_INT (id), earlier != NULL ? *(guint64 *) ran - *earlier : 0 };

    if (earlier != NULL && thread.id != getpid ())
      g_array_append_val (threads, thread);
  }
  g_array_sort (threads, compare_falling);
  return threads;
}

/* All threads go to a processor each, or none does. */
static gboolean
pin_all (const GArray *threads, const cpu_set_t *allowed, guint n)
{
  guint pinned = 0;

  for (int cpu = 0; cpu < CPU_SETSIZE && pinned < n; cpu++) {
    cpu_set_t one;

    if (!CPU_ISSET (cpu, allowed))
      continue;
    CPU_ZERO (&one);
    CPU_SET (cpu, &one);
    if (sched_setaffinity (g_array_index (threads, Thread, pinned).id, sizeof one, &one) != 0)
      break;
    pinned++;
  }
  for (guint i = 0; pinned < n && i < pinned; i++)
    sched_setaffinity (g_array_index (threads, Thread, i).id, sizeof *allowed, allowed);
  return pinned == n;
}

guint
workers_pin (GHashTable *times)
{
  g_autoptr (GHashTable) before = times;
  g_autoptr (GHashTable) after = workers_watch ();
  cpu_set_t allowed;

  if (before == NULL || after == NULL || sched_getaffinity (getpid (), sizeof allowed, &allowed) != 0)
    return 0;
  g_autoptr (GArray) threads = rank_threads (before, after);
  const guint n = (guint) CPU_COUNT (&allowed);
  if (n < 2 || threads->len < n)
    return 0;
  const guint64 most = g_array_index (threads, Thread, 0).ran, least = g_array_index (threads, Thread, n - 1).ran;
  if (most == 0 || least < BUSY_PART * most)
    return 0;
  return pin_all (threads, &allowed, n) ? n : 0;
}
