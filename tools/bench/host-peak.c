/* The host processor's own multiply-and-add ceiling, without fused operations: what a driver that emits none of them,
 * as Mesa's lavapipe, could reach at best. This file is compiled with -ffp-contract=off, and its AVX2 twin without FMA.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host-peak.h"

#include <math.h>

#define LANES 8
#define ACCUMULATORS 12 /* hides multiply and add latency on two ports each; with two operands it fits 16 registers */
#define TURNS 20000     /* about 60 us between two looks at the clock */
#define ROUNDS 3
#define ROUND_US 60000

typedef float Vector __attribute__ ((vector_size (LANES * sizeof (float))));

/* Read and written at run time, so that nothing can be computed ahead or dropped. */
static volatile float factor = 0.75F, summand = 0.25F, sink;

/* TURNS steps of a = a * m + b on every accumulator, as one multiply and one add. Values settle at 1: no denormals. */
static inline __attribute__ ((always_inline)) void
burn (void)
{
  Vector m = { 0 }, b = { 0 };
  m += factor;
  b += summand;

  /* A read of its own for each: equal accumulators would be computed once. Unrolled, they live in registers. */
  Vector a[ACCUMULATORS];
#pragma GCC unroll 12
  for (int i = 0; i < ACCUMULATORS; i++)
    a[i] = b * factor;
  for (int turn = 0; turn < TURNS; turn++) {
#pragma GCC unroll 12
    for (int i = 0; i < ACCUMULATORS; i++)
      a[i] = a[i] * m + b;
  }

  Vector sum = b;
#pragma GCC unroll 12
  for (int i = 0; i < ACCUMULATORS; i++)
    sum += a[i];
  sink = sum[0] + sum[LANES - 1];
}

static void
burn_any (void)
{
  burn ();
}

/* The order of the instructions decides over a tenth of the rate, and which order is best depends on the processor: the
 * compiler's orders for three of them are tried. */
#if defined(__x86_64__)
static __attribute__ ((target ("avx2,no-fma,tune=znver3"))) void
burn_znver3 (void)
{
  burn ();
}

static __attribute__ ((target ("avx2,no-fma,tune=skylake-avx512"))) void
burn_skylake (void)
{
  burn ();
}

static __attribute__ ((target ("avx2,no-fma,tune=haswell"))) void
burn_haswell (void)
{
  burn ();
}
#endif

typedef struct
{
  void (*burn) (void);
  gint64 start, end; /* of the round, monotonic microseconds */
  double gflops;
} Worker;

static gpointer
work (gpointer data)
{
  Worker *worker = data;
  while (g_get_monotonic_time () < worker->start)
    worker->burn (); /* up to full clock before the round begins */

  guint64 calls = 0;
  const gint64 begin = g_get_monotonic_time ();
  gint64 now = begin;
  for (; now < worker->end; now = g_get_monotonic_time ()) {
    worker->burn ();
    calls++;
  }
  const double operations = 2.0 * LANES * ACCUMULATORS * TURNS * calls;
  worker->gflops = now > begin ? operations / (1e3 * (now - begin)) : 0;
  return NULL;
}

static double
measure_round (void (*kernel) (void), guint n)
{
  g_autofree Worker *workers = g_new0 (Worker, n);
  g_autofree GThread **threads = g_new0 (GThread *, n);
  const gint64 start = g_get_monotonic_time () + ROUND_US / 10;
  for (guint i = 0; i < n; i++) {
    workers[i] = (Worker){ .burn = kernel, .start = start, .end = start + ROUND_US };
    threads[i] = g_thread_new ("host-peak", work, &workers[i]);
  }

  double sum = 0;
  for (guint i = 0; i < n; i++) {
    g_thread_join (threads[i]);
    sum += workers[i].gflops;
  }
  return sum;
}

static double
measure (void (*kernel) (void), guint threads)
{
  double best = 0;
  for (int i = 0; i < ROUNDS; i++)
    best = fmax (best, measure_round (kernel, threads)); /* not MAX: it would measure twice */
  return best;
}

double
host_peak_measure (guint *threads)
{
  *threads = g_get_num_processors (); /* those this process may run on */
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx2")) {
    static void (*const orders[]) (void) = { burn_znver3, burn_skylake, burn_haswell };
    double best = 0;
    for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
      best = fmax (best, measure (orders[i], *threads));
    return best;
  }
#endif
  return measure (burn_any, *threads);
}
