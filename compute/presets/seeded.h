/* Made-up weights: the same from the same name and seed everywhere, so that a test in another language can make them
 * too and nobody has to ship them.
 *
 * Value i of a tensor is drawn from splitmix64 (Steele et al. 2014), whose state starts at the FNV-1a 64-bit hash of
 * the name exclusive-or seed * G, with G = 0x9e3779b97f4a7c15, and grows by G per value, the first one included. The
 * upper 24 bits make u in 0..1, and r = 2u - 1. From that,
 *
 *     two dimensions or more                   r * sqrt (6 / product of all dimensions but the first)
 *     one, named *.bn3.weight                  1/4 + r / 10: what ends a bottleneck adds little to its sum
 *     one, named *.conv.3.weight               1/2 + r / 10: the same of an inverted residual
 *     one, named *.weight or *.running_var     1 + r / 10
 *     one, named *.gamma                       the same: what self-attention adds counts
 *     one, any other                           r / 10
 *
 * in double precision, rounded to float: activations of a ReLU network stay about as large as its input, and batch
 * norms are near the identity.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* @n values: the product of @dims. */
void cbam_seeded_fill (const char *name, const gsize *dims, guint n_dims, guint32 seed, float *values);

/* The raw u of element @i, 0..1 without 1. */
double cbam_seeded_uniform (const char *name, guint32 seed, gsize i);
