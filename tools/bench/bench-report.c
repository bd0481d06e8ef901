/* What cbam-bench says: tables for people and one JSON document for programs, from the same numbers.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bench.h"
#include "shared/json-text.h"
#include "shared/numbers.h"
#include "shared/precision-name.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A CPU device's own code reaches 0.86 to 0.96 of the host's loop, depending on the processor. Much less means that its
 * peak was measured short, more than 1 that the host's was. */
#define LOW_RATIO 0.8

double
bench_peak (const Bench *bench)
{
  return MAX (bench->peak_before, bench->peak_after);
}

Spread
bench_spread (GArray *samples)
{
  g_array_sort (samples, by_rising_value);
  return (Spread){
    .min = quantile (samples, 0),
    .p25 = quantile (samples, 0.25),
    .median = quantile (samples, 0.5),
    .p75 = quantile (samples, 0.75),
    .p99 = quantile (samples, 0.99),
  };
}

PointwiseSum
bench_pointwise_19 (const NetworkBench *network)
{
  PointwiseSum sum = { 0 };
  for (guint i = 0; i < network->ops->len; i++) {
    const OpBench *bench = &g_array_index (network->ops, OpBench, i);
    const CbamOpTime *op = &bench->op;
    const gboolean is_head = g_str_has_prefix (op->name, "loc.") || g_str_has_prefix (op->name, "conf.") ||
                             g_str_has_prefix (op->name, "head");
    if (op->kernel != 1 || op->width != 19 || op->height != 19 || op->in_channels < 192 || is_head)
      continue;
    sum.count++;
    sum.flop += op->flop;
    sum.seconds += bench->seconds.median;
  }
  return sum;
}

/* 1e9 operations a second, 0 where there is nothing to divide. */
static double
rate (double flop, double seconds)
{
  return seconds > 0 ? flop / seconds / 1e9 : 0;
}

static double
percent (double part, double whole)
{
  return whole > 0 ? 100 * part / whole : 0;
}

gboolean
bench_is_software (const Bench *bench)
{
  return strcmp (bench->info->type, "cpu") == 0;
}

void
bench_print_device (const Bench *bench)
{
  const char *what = strcmp (bench->info->type, "host") != 0   ? "separate multiplies and adds"
                     : bench->precision == CBAM_PRECISION_BF16 ? "products in bfloat16, by oneDNN"
                                                               : "fused multiply-adds";

  printf ("device  %s (%s, %s)\n", bench->info->name, bench->info->type, bench->info->driver);
  printf ("peak    %.1f GFLOP/s of %s (%.1f before, %.1f after)\n", bench_peak (bench), what, bench->peak_before,
          bench->peak_after);
  if (bench->host <= 0)
    return;
  const double ratio = bench_peak (bench) / bench->host;
  const char *remark = "";
  if (ratio < LOW_RATIO)
    remark = ": LOW, the peak is measured short and flatters shares";
  else if (ratio > 1)
    remark = ": the loop was disturbed, the device cannot be faster";
  printf ("host    %.1f GFLOP/s by a C loop of the same on %u threads; the device's peak is %.2f of it%s\n",
          bench->host, bench->host_threads, ratio, remark);
  if (bench->pinned_workers > 0)
    printf ("workers %u pinned, one to each processor\n", bench->pinned_workers);
  else
    printf ("workers not pinned: samples show how the scheduler placed them\n");
}

/* What starves pinned workers can only be other processes. */
static void
print_pass (const Bench *bench, const Pass *pass)
{
  const char *remark = "";
  if (pass->starved > 0)
    remark = bench->pinned_workers > 0 ? ": BUSY, something else takes the processors"
                                       : ": STARVED, the workers share processors or something else takes them";
  printf ("  load    %.2f process CPU over wall time; %u samples repeated, %u kept though starved%s\n", pass->load,
          pass->repeated, pass->starved, remark);
}

static void
print_ops (const Bench *bench, const NetworkBench *network)
{
  int name_width = 4, kind_width = 4, variant_width = 7;
  double total = 0;
  for (guint i = 0; i < network->ops->len; i++) {
    const OpBench *op = &g_array_index (network->ops, OpBench, i);
    name_width = MAX (name_width, (int) strlen (op->op.name));
    kind_width = MAX (kind_width, (int) strlen (op->op.kind));
    variant_width = MAX (variant_width, (int) strlen (op->op.variant));
    total += op->seconds.median;
  }

  printf ("  %-*s  %-*s  %-*s  %-12s  %8s  %8s  %8s  %6s  %8s  %7s\n", name_width, "name", kind_width, "kind",
          variant_width, "variant", "shape", "ms", "p25", "p75", "time", "GFLOP/s", "of peak");
  for (guint i = 0; i < network->ops->len; i++) {
    const OpBench *op = &g_array_index (network->ops, OpBench, i);
    printf ("  %-*s  %-*s  %-*s  %-12s  %8.3f  %8.3f  %8.3f  %5.1f%%", name_width, op->op.name, kind_width, op->op.kind,
            variant_width, op->op.variant, op->op.shape, 1e3 * op->seconds.median, 1e3 * op->seconds.p25,
            1e3 * op->seconds.p75, percent (op->seconds.median, total));
    const double gflops = rate (op->op.flop, op->seconds.median);
    if (gflops > 0)
      printf ("  %8.1f  %6.1f%%", gflops, percent (gflops, bench_peak (bench)));
    printf ("\n");
  }
  printf ("  sum     %.3f ms of the operations' medians, from a pass of their own\n", 1e3 * total);
  print_pass (bench, &network->profiled);
}

void
bench_print_network (const Bench *bench, const NetworkBench *network)
{
  const double peak = bench_peak (bench), flop = 2.0 * (double) cbam_model_get_info (network->model)->macs;
  const Spread *wall = &network->seconds;
  const double gflops = rate (flop, wall->median);
  printf ("\n%s\n", cbam_model_get_info (network->model)->name);
  printf ("  frame   %.2f ms median (min %.2f, p25 %.2f, p75 %.2f, p99 %.2f; %u samples), %.1f frames a second\n",
          1e3 * wall->median, 1e3 * wall->min, 1e3 * wall->p25, 1e3 * wall->p75, 1e3 * wall->p99, network->frames.runs,
          wall->median > 0 ? 1 / wall->median : 0);
  printf ("  rate    %.3f GFLOP a frame, %.1f GFLOP/s = %.1f%% of peak\n", flop / 1e9, gflops, percent (gflops, peak));
  print_pass (bench, &network->frames);
  print_ops (bench, network);

  const PointwiseSum sum = bench_pointwise_19 (network);
  if (sum.count > 0)
    printf (
        "  1x1 on 19x19 from 192 channels and more, heads not counted: %u convolutions, %.3f ms, %.1f GFLOP/s = %.1f%% "
        "of peak\n",
        sum.count, 1e3 * sum.seconds, rate (sum.flop, sum.seconds), percent (rate (sum.flop, sum.seconds), peak));
}

static void
append_spread (GString *out, const Spread *seconds)
{
  json_add_double (out, "median_ms", 1e3 * seconds->median);
  json_add_double (out, "min_ms", 1e3 * seconds->min);
  json_add_double (out, "p25_ms", 1e3 * seconds->p25);
  json_add_double (out, "p75_ms", 1e3 * seconds->p75);
  json_add_double (out, "p99_ms", 1e3 * seconds->p99);
}

static void
append_rate (GString *out, double flop, double seconds, double peak)
{
  json_add_double (out, "gflop", flop / 1e9);
  json_add_double (out, "gflops", rate (flop, seconds));
  json_add_double (out, "share", rate (flop, seconds) / peak);
}

static void
append_pass (GString *out, const Pass *pass)
{
  json_add_double (out, "runs", pass->runs);
  json_add_double (out, "cpu_over_wall", pass->load);
  json_add_double (out, "repeated", pass->repeated);
  json_add_double (out, "starved", pass->starved);
}

static void
append_op (GString *out, const OpBench *bench, double peak)
{
  const CbamOpTime *op = &bench->op;
  json_open (out, NULL, '{');
  json_add_string (out, "name", op->name);
  json_add_string (out, "kind", op->kind);
  append_spread (out, &bench->seconds);
  append_rate (out, op->flop, bench->seconds.median, peak);
  json_add_string (out, "variant", op->variant);
  json_add_string (out, "shape", op->shape);
  json_add_double (out, "kernel", op->kernel);
  json_add_double (out, "in_channels", op->in_channels);
  json_add_double (out, "out_channels", op->out_channels);
  json_add_double (out, "width", op->width);
  json_add_double (out, "height", op->height);
  g_string_append_c (out, '}');
}

static void
append_network (GString *out, const NetworkBench *network, double peak)
{
  const PointwiseSum sum = bench_pointwise_19 (network);
  json_open (out, NULL, '{');
  json_add_string (out, "name", cbam_model_get_info (network->model)->name);
  json_add_string (out, "file", cbam_model_get_info (network->model)->origin);
  json_add_string (out, "precision", precision_name (cbam_model_get_info (network->model)->precision));
  append_spread (out, &network->seconds);
  append_rate (out, 2.0 * (double) cbam_model_get_info (network->model)->macs, network->seconds.median, peak);
  append_pass (out, &network->frames);
  json_open (out, "profiled", '{');
  append_pass (out, &network->profiled);
  g_string_append_c (out, '}');
  json_open (out, "pointwise_19x19", '{');
  json_add_double (out, "count", sum.count);
  json_add_double (out, "median_ms", 1e3 * sum.seconds);
  append_rate (out, sum.flop, sum.seconds, peak);
  g_string_append_c (out, '}');
  json_open (out, "ops", '[');
  for (guint i = 0; i < network->ops->len; i++)
    append_op (out, &g_array_index (network->ops, OpBench, i), peak);
  g_string_append_c (out, ']');
  g_string_append_c (out, '}');
}

void
bench_print_json (const Bench *bench)
{
  const double peak = bench_peak (bench);
  g_autoptr (GString) out = g_string_new ("{");
  json_add_string (out, "device", bench->info->name);
  json_add_string (out, "type", bench->info->type);
  json_add_string (out, "driver", bench->info->driver);
  json_add_double (out, "peak_gflops", peak);
  json_add_double (out, "peak_gflops_before", bench->peak_before);
  json_add_double (out, "peak_gflops_after", bench->peak_after);
  json_add_double (out, "host_mul_add_gflops", bench->host > 0 ? bench->host : NAN);
  json_add_double (out, "pinned_workers", bench->pinned_workers);
  json_open (out, "networks", '[');
  for (guint i = 0; i < bench->networks->len; i++)
    append_network (out, g_ptr_array_index (bench->networks, i), peak);
  g_string_append_c (out, ']');
  g_string_append_c (out, '}');
  puts (out->str);
}
