// Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) of one detection, in closed form: what the head of a level
// computes at a cell is linear in the features around it, so the gradient of a class's score is made of the head's
// weights.
//
//     d score / d feature = weights of the class - mean of all classes' weights by their probabilities   (softmax)
//                           weights of the class                                                         (sigmoid)
//
// times a positive number that dividing the map by its maximum takes out again. Its sum over the kernel's taps that lie
// inside the map weighs the channels; the map is the weighted sum of the features, where that is positive. One
// workgroup.
//
// Weights as for conv_texel.comp: [rows/8][feature block, kernel row, kernel column][8][4]; or, with a pitch, as for
// conv_tile.comp: [kernel row, kernel column, feature block][4][rows].
//
// module: grad_cam (half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#define INPUTS 2
#define OUTPUTS 0
#define WEIGHTS
#include "common/maps.glsl"
#include "args/conv.h"
#include "args/grad_cam.h"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, X);
INPUT_MAP (1, conf);
layout (binding = OUTPUT (0), std430) writeonly buffer Output { float y[]; };
layout (push_constant) uniform Args { CbamGradCamArgs a; };

shared vec4 alpha[CBAM_GRAD_CAM_BLOCKS];
shared float logit[CBAM_GRAD_CAM_CLASSES];

// Weights of class k for a tap of a block of features.
vec4 weights (uint k, uint block, uint tap)
{
  const uint row = a.first_conf + k, taps = a.kernel * a.kernel;

  if (a.pitch > 0) {
    const uint from = (tap * a.blocks + block) * CBAM_TEXEL_CHANNELS * a.pitch + row / CBAM_TEXEL_CHANNELS;
    const uint c = row % CBAM_TEXEL_CHANNELS;

    return vec4 (LOAD_WEIGHT (from)[c], LOAD_WEIGHT (from + a.pitch)[c], LOAD_WEIGHT (from + 2 * a.pitch)[c],
                 LOAD_WEIGHT (from + 3 * a.pitch)[c]);
  }
  return LOAD_WEIGHT ((row / CBAM_CONV_GROUP * (a.blocks * taps) + block * taps + tap) * CBAM_CONV_GROUP +
                      row % CBAM_CONV_GROUP);
}

// What the score gains by a block's features at one tap.
vec4 gradient (uint block, uint tap, float largest, float sum)
{
  const vec4 own = weights (a.class_id, block, tap);
  vec4 gain = vec4 (0.0);

  if (a.softmax == 0)
    return own;
  // Less each of the others: the mean of all is nearly its own where the network is sure, and nothing would be left.
  for (uint k = 0; k < a.n_classes; k++)
    gain += exp (logit[k] - largest) / sum * (own - weights (k, block, tap));
  return gain;
}

void main ()
{
  const uint thread = gl_LocalInvocationIndex, pad = a.kernel / 2;
  const uint cell = a.conf.origin + a.row * a.conf.row + a.column * a.conf.pixel;
  float largest = -3.4e38, sum = 0.0;

  for (uint k = thread; k < a.n_classes; k += CBAM_THREADS) {
    const uint channel = a.first_conf + k;

    logit[k] = LOAD (conf, cell + channel / CBAM_TEXEL_CHANNELS * a.conf.plane)[channel % CBAM_TEXEL_CHANNELS];
  }
  barrier ();

  for (uint k = 0; k < a.n_classes; k++)
    largest = max (largest, logit[k]);
  for (uint k = 0; k < a.n_classes; k++)
    sum += exp (logit[k] - largest);
  for (uint block = thread; block < a.blocks; block += CBAM_THREADS) {
    vec4 total = vec4 (0.0);

    for (uint tap = 0; tap < a.kernel * a.kernel; tap++) {
      const int row = int (a.row + tap / a.kernel) - int (pad), column = int (a.column + tap % a.kernel) - int (pad);

      if (row >= 0 && row < int (a.height) && column >= 0 && column < int (a.width))
        total += gradient (block, tap, largest, sum);
    }
    alpha[block] = total;
  }
  barrier ();

  for (uint pixel = thread; pixel < a.width * a.height; pixel += CBAM_THREADS) {
    const uint from = a.x.origin + pixel / a.width * a.x.row + pixel % a.width * a.x.pixel;
    float evidence = 0.0;

    for (uint block = 0; block < a.blocks; block++)
      evidence += dot (alpha[block], LOAD (X, from + block * a.x.plane));
    y[pixel] = max (evidence, 0.0);
  }
}
