/* What an epilogue makes of a sum: functions that kernels are made for.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#ifndef CBAM_ARGS_ACTIVATION_H
#define CBAM_ARGS_ACTIVATION_H

#define CBAM_FUNCTION_CLAMP 0 /* to lo..hi: ReLU, ReLU6, or nothing */

#define CBAM_N_FUNCTIONS 1

#endif
