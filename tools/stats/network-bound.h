/* How long a network takes on a GPU at least, as a model that nobody has measured: from the machine code of its
 * kernels, the rounds that their loops make for its layers, and the bytes that its steps move.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "kernels.h"
#include "null-device.h"

G_BEGIN_DECLS

/* What a dispatch takes before and behind its work; drivers need 3 to 5 microseconds. */
#define LAUNCH_SECONDS 4e-6

/* Seconds of a step, either of which it cannot be faster than. */
typedef struct
{
  char *name;
  const char *op, *variant;
  double arithmetic, memory;
} StepBound;

typedef struct
{
  char *network;
  const Family *family;
  CbamPrecision precision; /* never auto */
  GArray *steps;           /* StepBound: a launch each */
  double arithmetic, memory;
  double seconds; /* of each step the longer of both */
} NetworkBound;

/* Cycles that a SIMD of @family issues for a subgroup of @lanes that runs @code with @rounds of its loop's body. What
 * stands in other loops, or in branches that are not taken, counts once. */
double bound_cycles (const Family *family, guint lanes, const Code *code, double rounds);

/* @network: a preset, or a model file, in @precision; @family: one with a product, that @device is of. */
NetworkBound *network_bound_new (CbamDevice *device, const Family *family, const char *network, CbamPrecision precision,
                                 GError **error);
void network_bound_free (NetworkBound *bound);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetworkBound, network_bound_free)

G_END_DECLS
