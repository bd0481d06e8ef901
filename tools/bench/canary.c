/* Whether the processors are ours alone right now.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "canary.h"

#include <sched.h>
#include <time.h>

#define TURNS 100000
#define TRIES 2 /* the better counts: an interrupt is no neighbour */

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* Six independent chains of one-cycle operations: as many a turn as a core can issue in one or two cycles. */
static double
run (void)
{
  unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  const double start = now ();

  for (unsigned long i = 0; i < TURNS; i++) {
    a += i;
    b ^= a;
    c += 3;
    d ^= i;
    e += 5;
    f ^= 7;
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
  }
  return now () - start;
}

typedef struct
{
  int cpu;
  gint *waiting; /* threads that have not reached their processor yet; atomic */
  double time;
} Bird;

/* All sing at once, so that processors that share a core show it too. */
static gpointer
sing (gpointer data)
{
  Bird *bird = data;
  cpu_set_t one;

  CPU_ZERO (&one);
  CPU_SET (bird->cpu, &one);
  if (sched_setaffinity (0, sizeof one, &one) != 0)
    bird->cpu = -1;
  g_atomic_int_add (bird->waiting, -1);
  while (g_atomic_int_get (bird->waiting) > 0)
    ;
  bird->time = run ();
  for (int i = 1; i < TRIES; i++)
    bird->time = MIN (bird->time, run ());
  return NULL;
}

double
canary_slowdown (void)
{
  static double best = G_MAXDOUBLE;
  double slowest = 0;
  Bird birds[CPU_SETSIZE];
  GThread *threads[CPU_SETSIZE];
  gint n = 0, waiting;
  cpu_set_t ours;

  if (sched_getaffinity (0, sizeof ours, &ours) != 0)
    return 1;
  waiting = CPU_COUNT (&ours);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET (cpu, &ours)) {
      birds[n] = (Bird){ .cpu = cpu, .waiting = &waiting };
      threads[n] = g_thread_new ("canary", sing, &birds[n]);
      n++;
    }
  for (gint i = 0; i < n; i++) {
    g_thread_join (threads[i]);
    if (birds[i].cpu < 0)
      continue;
    best = MIN (best, birds[i].time);
    slowest = MAX (slowest, birds[i].time);
  }
  return slowest > 0 ? slowest / best : 1;
}
