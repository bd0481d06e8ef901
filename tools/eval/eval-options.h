/* What cbam-eval was asked for, as its two kinds of evaluation read it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  int cpu_threads;
  char *model, *device, *split, *map, *detections, *plots;
  char **folders;
  gboolean json, attention, version;
  double nms_across; /* 1 = none goes */
} EvalOptions;

G_END_DECLS
