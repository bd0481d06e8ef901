/* What cbam-eval was asked for, as its two kinds of evaluation read it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>

G_BEGIN_DECLS

typedef struct
{
  int cpu_threads;
  CbamModelConfig model_config;
  char *model, *device, *split, *map, *detections, *plots;
  char **folders;
  gboolean json, attention, version;
  double nms_across; /* 1 = none goes */
} EvalOptions;

G_END_DECLS
