/* activation: each number clamped.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

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
  float lo, hi;
} CbamActivationParams;

CbamValue *cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation);

static inline CbamActivationParams *
cbam_activation_params (const CbamNode *node)
{
  return node->params;
}

G_END_DECLS
