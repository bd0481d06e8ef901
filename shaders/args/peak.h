/* Push constants of the peak measurement.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_PEAK_H
#define CBAM_ARGS_PEAK_H

#include "types.h"

struct CbamPeakArgs
{
  uint turns;
  float factor; /* the sums converge; they never overflow or become denormal */
  float term;
};

#ifndef VULKAN
typedef struct CbamPeakArgs CbamPeakArgs;
#endif

#endif
