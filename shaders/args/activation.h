/* What an epilogue makes of a sum: functions that kernels are made for.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_ACTIVATION_H
#define CBAM_ARGS_ACTIVATION_H

#define CBAM_FUNCTION_CLAMP 0        /* to lo..hi: ReLU, ReLU6, or nothing */
#define CBAM_FUNCTION_LEAKY_RELU 1   /* what is negative times lo */
#define CBAM_FUNCTION_HARD_SWISH 2   /* x * clamp (x / 6 + 1 / 2, 0, 1) */
#define CBAM_FUNCTION_HARD_SIGMOID 3 /* clamp (x / 6 + 1 / 2, 0, 1) */

#endif
