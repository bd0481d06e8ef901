/* activation: a function of each number; and what epilogues share with it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/activation.h"

#include "engine/graph.h"

extern const CbamOpClass cbam_op_activation;

typedef struct
{
  guint function; /* CBAM_FUNCTION_* */
  float lo, hi;   /* what they mean, the function says */
} CbamActivationParams;

typedef enum
{
  CBAM_ACTIVATION_RELU,
  CBAM_ACTIVATION_RELU6,
  CBAM_ACTIVATION_LEAKY_RELU,   /* Maas, Hannun, Ng 2013: a slope of 0.1 where it is negative */
  CBAM_ACTIVATION_HARD_SWISH,   /* Howard et al. 2019, arXiv 1905.02244 */
  CBAM_ACTIVATION_HARD_SIGMOID, /* the same, section 5.2: what that multiplies with */
  CBAM_N_ACTIVATIONS
} CbamActivation;

/* What each of them is. */
extern const CbamActivationParams cbam_activations[CBAM_N_ACTIVATIONS];

/* The one that does nothing. */
extern const CbamActivationParams cbam_activation_none;

gboolean cbam_activation_is_none (const CbamActivationParams *params);
/* Whether it makes of a fraction of a number the same fraction, its limits scaled along. */
gboolean cbam_activation_is_homogeneous (const CbamActivationParams *params);
/* For numbers that are 2^-@exponent of what they were. */
void cbam_activation_rescale (CbamActivationParams *params, gint exponent);

/* CbamOpClass.scaling and .rescale of ops whose params are an activation. */
CbamScaling cbam_activation_scaling (const CbamNode *node);
void cbam_activation_rescale_node (CbamGraph *graph, CbamNode *node, gint in, gint out);

double cbam_activation_apply (const CbamActivationParams *params, double v);

CbamValue *cbam_graph_activation (CbamGraph *graph, CbamValue *input, CbamActivation activation);
/* The same with numbers of its own. */
CbamValue *cbam_graph_activate (CbamGraph *graph, CbamValue *input, const CbamActivationParams *params);

CBAM_OP_PARAMS (CbamActivationParams, cbam_activation_params)
