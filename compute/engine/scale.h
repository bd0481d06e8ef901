/* Maps with numbers too large for 16 bits are stored as a fraction of what they are, a power of two, and the weights of
 * those who write and read them make up for it: nothing but the last digits changes. Only where ops allow it
 * (CbamOpClass.scaling): ReLU networks are homogeneous, but a sigmoid is not.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

/* @largest: by value, what its magnitude has come to; what is at most CBAM_HALF_NEAR_MOST asks for nothing. After
 * fusions. Returns whether a map is now stored as a fraction, and of each its exponent in *@ret_exponents, to be freed:
 * it is 2^-exponent of what it was. */
gboolean cbam_graph_scale (CbamGraph *graph, const float *largest, gint **ret_exponents);
