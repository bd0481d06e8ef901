/* What the ops share that make few numbers of many.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/reduce.h"

guint64
cbam_reduce_turns (const CbamValue *x, const CbamGlobalPoolParams *pool)
{
  const guint64 once = (guint64) x->height * (1 + (x->width + CBAM_REDUCE_PIXELS - 1) / CBAM_REDUCE_PIXELS);
  guint passes = 1;

  for (guint i = 0; i < pool->n; i++)
    passes += pool->kinds[i] == CBAM_REDUCE_LOG_SUM;
  return once * passes;
}

CbamReduceArgs
cbam_reduce_args (const CbamValue *x, const CbamValue *out, const CbamGlobalPoolParams *pool)
{
  CbamReduceArgs args = { .x = x->view, .y = out->view, .width = x->width, .height = x->height };

  args.border = out->border;
  args.channels = x->channels;
  for (guint i = 0; pool != NULL && i < pool->n; i++) {
    args.n_kinds++;
    args.kinds |= pool->kinds[i] << (CBAM_REDUCE_KIND_BITS * i);
  }
  return args;
}
