/* activation: a function of each number; and what epilogues share with it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/activation.h"

#include "engine/graph.h"

G_BEGIN_DECLS

extern const CbamOpClass cbam_op_activation;

typedef enum
{
  CBAM_ACTIVATION_RELU,
  CBAM_ACTIVATION_RELU6
} CbamActivation;

typedef struct
{
  guint function; /* CBAM_FUNCTION_* */
  float lo, hi;   /* what they mean, the function says */
} CbamActivationParams;

/* The one that does nothing. */
extern const CbamActivationParams cbam_activation_none;

gboolean cbam_activation_is_none (const CbamActivationParams *params);
double cbam_activation_apply (const CbamActivationParams *params, double v);

CbamValue *cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation);

static inline CbamActivationParams *
cbam_activation_params (const CbamNode *node)
{
  return node->params;
}

G_END_DECLS
