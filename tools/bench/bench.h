/* What cbam-bench measures, and how it is told.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <cbamdetect/profile.h>

G_BEGIN_DECLS

/* The order statistics of a set of samples. */
typedef struct
{
  double min, p25, median, p75, p99;
} Spread;

/* One device operation over all profiled frames. Strings belong to the model. */
typedef struct
{
  CbamOpTime op;
  Spread seconds;
} OpBench;

/* How a pass over a network went: some samples do not have the processors to themselves. */
typedef struct
{
  guint runs;     /* samples taken */
  guint repeated; /* thrown away for that */
  guint starved;  /* kept in spite of it, because repeating found no end */
  double load;    /* median of process CPU time over wall time */
} Pass;

typedef struct
{
  CbamModel *model;
  Spread seconds; /* wall time, submit to sorted result, profiling off */
  Pass frames;    /* the pass that @seconds is of */
  GArray *ops;    /* OpBench, in running order */
  Pass profiled;  /* the pass that @ops are of */
} NetworkBench;

typedef struct
{
  const CbamDeviceInfo *info;
  CbamPrecision precision;        /* of the peak and the networks */
  double peak_before, peak_after; /* the device's multiply-add peak, 1e9 operations a second */
  double host;                    /* the same of a C loop, beside Vulkan in software only, else 0 */
  guint host_threads;
  guint pinned_workers; /* of Vulkan in software, with a processor each; 0 = the scheduler places them */
  GPtrArray *networks;  /* NetworkBench */
} Bench;

/* Whether a driver of Vulkan's computes on the processor, whose threads are not ours to place otherwise. */
gboolean bench_is_software (const Bench *bench);

/* The peak that shares are of: the better of the two measurements. */
double bench_peak (const Bench *bench);

/* Sorts @samples (doubles, at least one) and describes them. */
Spread bench_spread (GArray *samples);

/* The sum of the 1x1 convolutions on 19x19 maps that read at least 192 channels, heads not counted: where most of a
 * MobileNet's arithmetic is, and the shapes on which engines are compared. */
typedef struct
{
  guint count;
  double flop, seconds;
} PointwiseSum;

PointwiseSum bench_pointwise_19 (const NetworkBench *network);

/* Both write to standard output. */
void bench_print_device (const Bench *bench);
void bench_print_network (const Bench *bench, const NetworkBench *network);
void bench_print_json (const Bench *bench);

G_END_DECLS
