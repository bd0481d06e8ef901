/* Takes samples, and looks at who else uses the processors meanwhile.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sampler.h"
#include "canary.h"

#include <time.h>

#define WARM_UP_FRAMES 5
#define WARM_UP_SECONDS 0.3

/* Process CPU over wall time below which a sample on two processors or more had only one of them. */
#define LOW_LOAD 1.3
/* How much slower than ever seen a processor may be just before and after a sample: a busy neighbour makes it 2. */
#define SLOW 1.25
#define LEARNING 200 /* looks at the processors before the first sample */
/* A pass may take so many seconds longer, per sample wanted, for those that are repeated. */
#define REPEAT_SECONDS 0.7

static double
seconds_of (clockid_t clock)
{
  struct timespec now;
  clock_gettime (clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static gboolean
run_frame (const Sampler *sampler, Sample *sample, GError **error)
{
  const gboolean slow = sampler->watch && canary_slowdown () > SLOW;
  const double cpu = seconds_of (CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of (CLOCK_MONOTONIC);
  if (!cbam_detector_submit (sampler->detector, sampler->image, NULL, error))
    return FALSE;
  sample->result = cbam_detector_collect (sampler->detector, error);
  if (sample->result == NULL)
    return FALSE;
  sample->wall = seconds_of (CLOCK_MONOTONIC) - wall;
  sample->load = sample->wall > 0 ? (seconds_of (CLOCK_PROCESS_CPUTIME_ID) - cpu) / sample->wall : 0;
  sample->unfit = sampler->watch && (slow || sample->load < LOW_LOAD || canary_slowdown () > SLOW);
  return TRUE;
}

gboolean
sampler_take (Sampler *sampler, Sample *sample, GError **error)
{
  if (!run_frame (sampler, sample, error))
    return FALSE;
  while (sample->unfit && sampler->patience > 0) {
    sampler->pass.repeated++;
    sampler->patience -= sample->wall;
    g_clear_pointer (&sample->result, cbam_result_unref);
    if (!run_frame (sampler, sample, error))
      return FALSE;
  }
  sampler->pass.starved += sample->unfit;
  sampler->pass.runs++;
  g_array_append_val (sampler->loads, sample->load);
  return TRUE;
}

/* Until caches, clocks and the driver's compilers have settled. */
static gboolean
warm_up (const Sampler *sampler, GError **error)
{
  const double start = seconds_of (CLOCK_MONOTONIC);
  for (guint i = 0; i < WARM_UP_FRAMES || seconds_of (CLOCK_MONOTONIC) - start < WARM_UP_SECONDS; i++) {
    Sample sample;
    if (!run_frame (sampler, &sample, error))
      return FALSE;
    cbam_result_unref (sample.result);
  }
  return TRUE;
}

gboolean
sampler_start (Sampler *sampler, CbamModel *model, const CbamImage *image, gboolean profile, int runs, gboolean alone,
               GError **error)
{
  const CbamDetectorConfig config = { .slots = 1 };
  *sampler = (Sampler){ .image = image };
  sampler->watch = cbam_device_is_cpu (cbam_model_get_device (model)) && g_get_num_processors () >= 2 && !alone;
  sampler->loads = g_array_new (FALSE, FALSE, sizeof (double));
  sampler->detector =
      profile ? cbam_detector_new_profiled (model, &config, error) : cbam_detector_new (model, &config, error);
  if (sampler->detector == NULL || !warm_up (sampler, error))
    return FALSE;
  for (guint i = 0; sampler->watch && i < LEARNING; i++)
    canary_slowdown ();
  sampler->patience = REPEAT_SECONDS * runs;
  return TRUE;
}

Pass
sampler_end (Sampler *sampler)
{
  if (sampler->loads->len > 0)
    sampler->pass.load = bench_spread (sampler->loads).median;
  g_array_unref (sampler->loads);
  cbam_detector_unref (sampler->detector);
  return sampler->pass;
}
