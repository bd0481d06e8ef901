// What an epilogue makes of a sum. Which function it is, a pipeline is made for: none costs another anything.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "args/activation.h"

layout (constant_id = 0) const uint FUNCTION = CBAM_FUNCTION_CLAMP;

#define DEFINE_ACTIVATE(T)                                                                                             \
  T activate (T v, float lo, float hi)                                                                                 \
  {                                                                                                                    \
    return clamp (v, T (lo), T (hi));                                                                                  \
  }

DEFINE_ACTIVATE (float)
DEFINE_ACTIVATE (vec4)
