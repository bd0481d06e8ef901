/* The trial of a program whose maps are of 16 bits: how large the numbers of a network become, by a picture that is
 * drawn and run once. Others' pictures may bring larger ones, for which a factor of 8 is left.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "nets/spec.h"
#include "run/run.h"

/* *@ret_clamped: a step with numbers that 16 bits have no room for; NULL = there is none. @largest: by value of the
 * program's graph, gets what is above CBAM_HALF_NEAR_MOST of magnitudes, else 0. */
gboolean cbam_trial_run (CbamProgram *program, const CbamSpec *spec, float *largest, const CbamStep **ret_clamped,
                         GError **error);
