// The detection tail of one level: boxes decoded, scores compared with the threshold, what passes appended to a list
// with room for every prior and class. The order of the list is the device's own; the host sorts it.
//
// The first invocations decode one box each, cell by cell and anchor by anchor; the others take some classes of an
// anchor each.
//
// module: detect (texel plain half)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define INPUTS 2
#define OUTPUTS 0
#define WEIGHTS // anchors, a texel each
#define EXACT_WEIGHTS
#include "common/maps.glsl"
#include "args/detect.h"

layout (local_size_x = CBAM_THREADS) in;
INPUT_MAP (0, loc);
INPUT_MAP (1, conf);
// All results as one: a device need bind no more than four.
layout (binding = OUTPUT (0), std430) buffer Results { uint words[]; };
layout (push_constant) uniform Args { CbamDetectArgs a; };
layout (constant_id = 0) const uint FORM = CBAM_DETECT_OFFSETS; // of boxes

#define PARAMETERS (gl_WorkGroupID.z * a.parameters)
#define HITS (a.hits + gl_WorkGroupID.z * a.results)
#define BOXES (a.boxes + gl_WorkGroupID.z * a.results)
#define n_hits words[HITS]
#define best_bits words[HITS + 1]

void store_box (uint prior, vec4 box)
{
  for (uint i = 0; i < 4; i++)
    words[BOXES + 4 * prior + i] = floatBitsToUint (box[i]);
}

void store_hit (uint slot, float score, uint prior_class)
{
  words[HITS + 2 + 2 * slot] = floatBitsToUint (score);
  words[HITS + 3 + 2 * slot] = prior_class;
}

// Centre form to corners, in fractions of the input (SSD section 2.2).
vec4 decode_offsets (vec4 t, vec4 anchor)
{
  const vec2 centre = anchor.xy + t.xy * vec2 (a.variance[0], a.variance[1]) * anchor.zw;
  const vec2 size = anchor.zw * exp (min (t.zw * vec2 (a.variance[2], a.variance[3]), vec2 (CBAM_DETECT_MAX_LOG_SIZE)));

  return vec4 (centre - 0.5 * size, centre + 0.5 * size);
}

// Four channels from the first bin on or later; those that are of other sides cannot be seen.
vec4 bin_logits (uint pixel, uint channel, uint first)
{
  const uvec4 bin = channel + uvec4 (0, 1, 2, 3) - first; // huge before the first
  const vec4 x = LOAD (loc, pixel + channel / CBAM_TEXEL_CHANNELS * a.loc.plane);

  return mix (vec4 (-3e38), x, lessThan (bin, uvec4 (a.bins)));
}

// What the softmax of a side's bins expects of their numbers 0, 1, ...
float expected_bin (uint pixel, uint first)
{
  const uint begin = first - first % CBAM_TEXEL_CHANNELS, end = first + a.bins;
  vec4 most = vec4 (-3e38), sum = vec4 (0.0), weighed = vec4 (0.0);

  for (uint c = begin; c < end; c += CBAM_TEXEL_CHANNELS)
    most = max (most, bin_logits (pixel, c, first));
  const float largest = max (max (most.x, most.y), max (most.z, most.w));
  for (uint c = begin; c < end; c += CBAM_TEXEL_CHANNELS) {
    const vec4 likely = exp (bin_logits (pixel, c, first) - largest);

    sum += likely;
    weighed += likely * vec4 (int (c - first) + ivec4 (0, 1, 2, 3));
  }
  return dot (weighed, vec4 (1.0)) / dot (sum, vec4 (1.0));
}

// Corners at the expected distances from the anchor's centre (Generalized Focal Loss, Li et al. 2020).
vec4 decode_distribution (uint pixel, uint part, vec4 anchor)
{
  const vec2 unit = vec2 (a.variance[2], a.variance[3]) * anchor.zw;
  vec4 distance;

  [[unroll]] for (uint side = 0; side < 4; side++)
    distance[side] = expected_bin (pixel, (part * 4 + side) * a.bins);
  return vec4 (anchor.xy - distance.xy * unit, anchor.xy + distance.zw * unit);
}

vec4 logits (uint pixel, uint channel)
{
  return LOAD (conf, pixel + channel / CBAM_TEXEL_CHANNELS * a.conf.plane);
}

// Largest logit of an anchor's classes, and sum of exp (logit - largest).
vec2 softmax_terms (uint pixel, uint first)
{
  vec2 terms = vec2 (logits (pixel, first)[first % CBAM_TEXEL_CHANNELS], 0.0);

  for (uint c = first; c < first + a.n_classes; c++)
    terms.x = max (terms.x, logits (pixel, c)[c % CBAM_TEXEL_CHANNELS]);
  for (uint c = first; c < first + a.n_classes; c++)
    terms.y += exp (logits (pixel, c)[c % CBAM_TEXEL_CHANNELS] - terms.x);
  return terms;
}

vec4 scores (vec4 x, vec2 terms)
{
  if (a.score == CBAM_DETECT_SIGMOID)
    return 1.0 / (1.0 + exp (-x));
  return exp (x - terms.x) / terms.y;
}

// Appending costs lavapipe as much as many comparisons, whether any lane appends or not: so all classes of an
// invocation are compared first, and what passed is a bit each.
const uint CHUNK = CBAM_DETECT_CHUNK;

void main ()
{
  // Before the first branch: see preprocess.comp.
  const float threshold = uintBitsToFloat (words[PARAMETERS + CBAM_FRAME_THRESHOLD]);
  const uint cells = a.width * a.height;
  const uint cell = gl_GlobalInvocationID.x % cells, part = gl_GlobalInvocationID.x / cells;
  const uint row = cell / a.width, column = cell % a.width;

  if (part < a.per_cell) {
    const uint prior = cell * a.per_cell + part;
    const uint pixel = ORIGIN (a.loc) + row * a.loc.row + column * a.loc.pixel;

    if (FORM == CBAM_DETECT_DISTRIBUTION)
      store_box (a.prior + prior, decode_distribution (pixel, part, LOAD_WEIGHT (prior)));
    else
      store_box (a.prior + prior, decode_offsets (LOAD (loc, pixel + part * a.loc.plane), LOAD_WEIGHT (prior)));
    return;
  }

  const uint chunks = (a.n_classes + CHUNK - 1) / CHUNK;
  const uint anchor = (part - a.per_cell) / chunks;
  if (anchor >= a.per_cell)
    return;
  const uint pixel = ORIGIN (a.conf) + row * a.conf.row + column * a.conf.pixel;
  const uint first = anchor * a.n_classes;
  const uint begin = first + (part - a.per_cell) % chunks * CHUNK;
  const uint end = min (begin + CHUNK, first + a.n_classes);
  const uint reported = words[PARAMETERS + CBAM_FRAME_REPORTED + (begin - first) / CHUNK]; // a chunk is a word of it
  vec2 terms = vec2 (0.0);
  float best = 0.0;
  uint passed = 0;

  if (a.score == CBAM_DETECT_SOFTMAX)
    terms = softmax_terms (pixel, first);
  // Appending costs lavapipe as much as many comparisons, whether any lane appends or not: so all classes of an
  // invocation are compared first, and what passed is a bit each.
  // One texel more than the classes of a chunk fill, because an anchor's may begin inside of one.
  const uint begin_texel = begin - begin % CBAM_TEXEL_CHANNELS;
  for (uint c = begin_texel; c < begin_texel + CHUNK + CBAM_TEXEL_CHANNELS; c += CBAM_TEXEL_CHANNELS) {
    const vec4 score = scores (logits (pixel, min (c, end - 1)), terms);

    [[unroll]] for (uint i = 0; i < CBAM_TEXEL_CHANNELS; i++) {
      const bool counts = c + i >= begin && c + i < end && (reported >> ((c + i - begin) & 31u) & 1u) != 0;

      best = max (best, counts ? score[i] : 0.0);
      if (counts && score[i] > threshold)
        passed |= 1u << (c + i - begin);
    }
  }
  for (; passed != 0; passed &= passed - 1) {
    const uint c = begin + findLSB (passed);
    const uint slot = atomicAdd (n_hits, 1u);

    store_hit (slot, scores (logits (pixel, c), terms)[c % CBAM_TEXEL_CHANNELS],
               (a.prior + cell * a.per_cell + anchor) * a.n_classes + c - first);
  }
  // Scores are not negative, so their bits have their order. A loop of at most one round: lavapipe passes over a loop
  // that no lane enters, but not over an if.
  for (uint seen = best_bits; floatBitsToUint (best) > seen; seen = 0xffffffffu)
    atomicMax (best_bits, floatBitsToUint (best));
}
