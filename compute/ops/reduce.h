/* What the ops share that make few numbers of many.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "ops/global_pool.h"

/* Turns that it takes to pool a block of @x. */
guint64 cbam_reduce_turns (const CbamValue *x, const CbamGlobalPoolParams *pool);

/* All parameters that come from @x and the output; @pool may be NULL. */
CbamReduceArgs cbam_reduce_args (const CbamValue *x, const CbamValue *out, const CbamGlobalPoolParams *pool);
