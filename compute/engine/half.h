/* Floats of 16 bits: 1 for the sign, 5 for the exponent (bias 15), 10 for the digits behind the first.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The nearest one, of two equally near the even one. What there is no room for becomes the largest, also infinity. */
guint16 cbam_half_from_float (float value);
float cbam_half_to_float (guint16 half);
