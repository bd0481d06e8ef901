// What an epilogue makes of a sum. Which function it is, a pipeline is made for: none costs another anything.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "args/activation.h"

layout (constant_id = 0) const uint FUNCTION = CBAM_FUNCTION_CLAMP;

#define DEFINE_ACTIVATE(T)                                                                                             \
  T activate (T v, float lo, float hi)                                                                                 \
  {                                                                                                                    \
    if (FUNCTION == CBAM_FUNCTION_LEAKY_RELU)                                                                          \
      return max (v, T (0.0)) + lo * min (v, T (0.0));                                                                 \
    if (FUNCTION == CBAM_FUNCTION_HARD_SWISH)                                                                          \
      return v * clamp (v / 6.0 + 0.5, T (0.0), T (1.0));                                                              \
    if (FUNCTION == CBAM_FUNCTION_HARD_SIGMOID)                                                                        \
      return clamp (v / 6.0 + 0.5, T (0.0), T (1.0));                                                                  \
    return clamp (v, T (lo), T (hi));                                                                                  \
  }

DEFINE_ACTIVATE (float)
DEFINE_ACTIVATE (vec4)
