/* Push constants of the peak measurement.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_PEAK_H
#define CBAM_ARGS_PEAK_H

#include "types.h"

/* Independent chains, steps unrolled; the best of them counts (docs of lavapipe: 8 and 12 chains are safe). */
#define CBAM_PEAK_TILES(TILE)                                                                                          \
  TILE (8, 4), TILE (8, 8), TILE (8, 16), TILE (8, 32), TILE (12, 4), TILE (12, 8), TILE (12, 16), TILE (12, 32)

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
