/* What shader-stats found, for people and for programs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "kernels.h"
#include "network-bound.h"
#include "null-device.h"

G_BEGIN_DECLS

/* Of a family: what was compiled for it, either every kernel or networks. */
typedef struct
{
  const Family *family;
  char *device, *driver; /* what they call themselves */
  GArray *kernels;       /* Kernel; NULL: networks are there */
  GPtrArray *networks;   /* NetworkBound */
} FamilyReport;

void stats_print_table (const FamilyReport *report);

/* One object of all of them. */
void stats_print_json (const GPtrArray *reports);

G_END_DECLS
