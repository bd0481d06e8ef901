/* What the ops share that make few numbers of many.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/reduce.h"

static guint
kind_code (CbamReduction kind)
{
  switch (kind) {
    case CBAM_REDUCE_MEAN: return CBAM_REDUCE_KIND_MEAN;
    case CBAM_REDUCE_MAX: return CBAM_REDUCE_KIND_MAX;
    case CBAM_REDUCE_L2: return CBAM_REDUCE_KIND_L2;
    case CBAM_REDUCE_LOG_SUM: return CBAM_REDUCE_KIND_LOG_SUM;
    case CBAM_REDUCE_SUM: return CBAM_REDUCE_KIND_SUM;
  }
  g_return_val_if_reached (0);
}

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
  for (guint i = 0; pool && i < pool->n; i++) {
    args.n_kinds++;
    args.kinds |= kind_code (pool->kinds[i]) << (4 * i);
  }
  return args;
}
