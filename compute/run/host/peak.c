/* The rate of multiply-adds that the processor itself reaches, the yardstick of the bench's shares: in fp32 on what is
 * in registers, in bfloat16 by oneDNN's product of two matrices that a core's cache holds, as a 1x1 convolution.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#define SAMPLES 9
#define TURNS 2000000 /* some 10 ms */

#define SIDE 512     /* of a matrix of bfloat16: half a megabyte */
#define PRODUCTS 100 /* some 10 ms by AMX */

/* What multiplies matrices; one for all threads, which have a worker each. */
typedef struct
{
  CbamOnednn *primitive;
  void *input, *weights;
} Product;

/* A thread's share of the work. */
typedef struct
{
  CbamJob job;
  const CbamLoops *loops;
  const Product *product; /* NULL: the loop */
  CbamOnednnWorker *worker;
  float *output;
  double done; /* multiply-adds */
  gint taken;  /* atomic */
} Peak;

static void
product_clear (Product *product)
{
  cbam_onednn_free (product->primitive);
  g_aligned_free (product->input);
  g_aligned_free (product->weights);
}

/* In a thread of its own, as oneDNN wants to be called. */
static gpointer
make_product (gpointer data)
{
  const CbamOnednnForm form = {
    .in_width = SIDE,
    .in_height = 1,
    .in_channels = SIDE,
    .width = SIDE,
    .height = 1,
    .channels = SIDE,
    .kernel_width = 1,
    .kernel_height = 1,
    .stride = 1,
    .dilation = 1,
    .bf16 = TRUE,
  };
  Product *product = data;

  cbam_onednn_enter_thread ();
  product->primitive = cbam_onednn_new (&form, 0, NULL);
  if (product->primitive == NULL)
    return NULL;
  product->input = g_aligned_alloc0 (SIDE * SIDE, sizeof (guint16), 64);
  product->weights = g_aligned_alloc0 (1, cbam_onednn_get_weights_size (product->primitive), 64);
  return NULL;
}

static double
multiply (Peak *peak)
{
  CbamOnednnBuffers buffers = { .input = peak->product->input, .weights = peak->product->weights };

  if (peak->worker == NULL) {
    peak->worker = cbam_onednn_worker_new (1, cbam_onednn_get_scratch_size (peak->product->primitive));
    peak->output = g_aligned_alloc (SIDE * SIDE, sizeof (float), 64);
  }
  buffers.output = peak->output;
  for (guint i = 0; i < PRODUCTS; i++)
    cbam_onednn_run (peak->worker, peak->product->primitive, &buffers);
  return (double) PRODUCTS * SIDE * SIDE * SIDE;
}

static void
run (CbamJob *job, guint thread)
{
  Peak *peak = (Peak *) job;
  float sink;

  if (g_atomic_int_compare_and_exchange (&peak->taken, FALSE, TRUE))
    peak->done = peak->product != NULL ? multiply (peak) : peak->loops->peak (TURNS, &sink);
}

/* Multiply-adds a second of all threads together. */
static double
measure_once (CbamTeam *team, Peak *peaks)
{
  const guint n = cbam_team_get_size (team);
  const gint64 start = g_get_monotonic_time ();
  double sum = 0;

  for (guint t = 0; t < n; t++) {
    peaks[t].taken = FALSE;
    cbam_team_submit (team, &peaks[t].job);
  }
  for (guint t = 0; t < n; t++) {
    cbam_team_wait (team, &peaks[t].job);
    sum += peaks[t].done;
  }
  return sum / (double) MAX (1, g_get_monotonic_time () - start) * 1e6;
}

gboolean
cbam_host_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error)
{
  const guint n = cbam_team_get_size (device->team);
  g_autofree Peak *peaks = g_new0 (Peak, n);
  Product product = { NULL };
  double best = 0;

  if (precision == CBAM_PRECISION_BF16 && device->caps.has_bf16)
    g_thread_join (g_thread_new ("cbam-peak", make_product, &product));
  for (guint t = 0; t < n; t++) {
    peaks[t].job.run = run;
    peaks[t].loops = cbam_loops_get (cbam_processor_get_vectors ());
    peaks[t].product = product.primitive != NULL ? &product : NULL;
    cbam_job_init (&peaks[t].job);
  }
  for (guint i = 0; i < SAMPLES; i++) {
    const double rate = measure_once (device->team, peaks);

    best = MAX (best, rate);
  }
  for (guint t = 0; t < n; t++) {
    cbam_job_clear (&peaks[t].job);
    cbam_onednn_worker_free (peaks[t].worker);
    g_aligned_free (peaks[t].output);
  }
  product_clear (&product);
  *gflops = 2 * best * 1e-9;
  return TRUE;
}
