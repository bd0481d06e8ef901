/* The rate of multiply-adds that the processor itself reaches on what is in registers: the yardstick of the bench's
 * shares.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#define SAMPLES 9
#define TURNS 2000000 /* some 10 ms */

/* A thread's share of the work. */
typedef struct
{
  CbamJob job;
  const CbamLoops *loops;
  double done; /* multiply-adds */
  gint taken;  /* atomic */
} Peak;

static void
run (CbamJob *job, guint thread)
{
  Peak *peak = (Peak *) job;
  float sink;

  if (g_atomic_int_compare_and_exchange (&peak->taken, FALSE, TRUE))
    peak->done = peak->loops->peak (TURNS, &sink);
}

gboolean
cbam_host_measure_peak (CbamDevice *device, double *gflops, GError **error)
{
  const guint n = cbam_team_get_size (device->team);
  g_autofree Peak *peaks = g_new0 (Peak, n);
  double best = 0;

  for (guint t = 0; t < n; t++) {
    peaks[t].job.run = run;
    peaks[t].loops = cbam_loops_get (cbam_processor_get_vectors ());
    cbam_job_init (&peaks[t].job);
  }
  for (guint i = 0; i < SAMPLES; i++) {
    const gint64 start = g_get_monotonic_time ();
    double sum = 0;

    for (guint t = 0; t < n; t++) {
      peaks[t].taken = FALSE;
      cbam_team_submit (device->team, &peaks[t].job);
    }
    for (guint t = 0; t < n; t++) {
      cbam_team_wait (device->team, &peaks[t].job);
      sum += peaks[t].done;
    }
    best = MAX (best, sum / (double) MAX (1, g_get_monotonic_time () - start) * 1e6);
  }
  for (guint t = 0; t < n; t++)
    cbam_job_clear (&peaks[t].job);
  *gflops = 2 * best * 1e-9;
  return TRUE;
}
