// The detection tail of one level: boxes decoded, scores compared with the threshold, what passes appended to a list
// with room for every prior and class. The order of the list is the device's own; the host sorts it.
//
// The first invocations decode one box each, cell by cell and anchor by anchor; the others take some classes of an anchor
// each.
//
// module: detect (texel plain)
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "args/detect.h"
#include "args/frame.h"
#include "common/loads.glsl"

layout (local_size_x = 64) in;
MAP_BUFFER (0, loc);
MAP_BUFFER (1, conf);
MAP_BUFFER (2, anchors);
#ifdef TEXELS
layout (binding = 3, std430) readonly buffer Frame { CbamFrameArgs f; };
layout (binding = 4, std430) writeonly buffer Boxes { vec4 boxes[]; };
layout (binding = 5, std430) buffer Hits { uint n_hits; uint best_bits; CbamHit hits[]; };
#else // a device need bind no more than four of these
layout (binding = 3, std430) buffer Results { CbamFrameArgs f; uint words[]; };
#define n_hits words[a.hits]
#define best_bits words[a.hits + 1]
#endif
layout (push_constant) uniform Args { CbamDetectArgs a; };

void store_box (uint prior, vec4 box)
{
#ifdef TEXELS
  boxes[prior] = box;
#else
  for (uint i = 0; i < 4; i++)
    words[a.boxes + 4 * prior + i] = floatBitsToUint (box[i]);
#endif
}

void store_hit (uint slot, float score, uint prior_class)
{
#ifdef TEXELS
  hits[slot].score = score;
  hits[slot].prior_class = prior_class;
#else
  words[a.hits + 2 + 2 * slot] = floatBitsToUint (score);
  words[a.hits + 3 + 2 * slot] = prior_class;
#endif
}

// Largest t of exp (t): ln (1000 / 16), as torchvision; keeps a wild output finite.
#define MAX_LOG_SIZE 4.135166556742356

// Centre form to corners, in fractions of the input (SSD section 2.2).
vec4 decode (vec4 t, vec4 anchor)
{
  const vec2 centre = anchor.xy + t.xy * vec2 (a.variance[0], a.variance[1]) * anchor.zw;
  const vec2 size = anchor.zw * exp (min (t.zw * vec2 (a.variance[2], a.variance[3]), vec2 (MAX_LOG_SIZE)));

  return vec4 (centre - 0.5 * size, centre + 0.5 * size);
}

// Appending costs lavapipe as much as many comparisons, whether any lane appends or not: so all
// classes of an invocation are compared first, and what passed is a bit each.
const uint CHUNK = CBAM_DETECT_CHUNK;


vec4 logits (uint pixel, uint channel)
{
  return LOAD (conf, pixel + (channel >> 2) * a.conf.plane);
}

// Largest logit of an anchor's classes, and sum of exp (logit - largest).
vec2 softmax_terms (uint pixel, uint first)
{
  vec2 terms = vec2 (logits (pixel, first)[first & 3u], 0.0);

  for (uint c = first; c < first + a.n_classes; c++)
    terms.x = max (terms.x, logits (pixel, c)[c & 3u]);
  for (uint c = first; c < first + a.n_classes; c++)
    terms.y += exp (logits (pixel, c)[c & 3u] - terms.x);
  return terms;
}

vec4 scores (vec4 x, vec2 terms)
{
  if (a.score == CBAM_DETECT_SIGMOID)
    return 1.0 / (1.0 + exp (-x));
  return exp (x - terms.x) / terms.y;
}

void main ()
{
  const float threshold = f.threshold; // before the first branch: see preprocess.comp
  const uint cells = a.width * a.height;
  const uint cell = gl_GlobalInvocationID.x % cells, part = gl_GlobalInvocationID.x / cells;
  const uint row = cell / a.width, column = cell % a.width;

  if (part < a.per_cell) {
    const uint prior = cell * a.per_cell + part;
    const vec4 t = LOAD (loc, a.loc.origin + row * a.loc.row + column * a.loc.pixel + part * a.loc.plane);

    store_box (a.prior + prior, decode (t, LOAD (anchors, prior)));
    return;
  }

  const uint chunks = (a.n_classes + CHUNK - 1) / CHUNK;
  const uint anchor = (part - a.per_cell) / chunks;
  if (anchor >= a.per_cell)
    return;
  const uint pixel = a.conf.origin + row * a.conf.row + column * a.conf.pixel;
  const uint first = anchor * a.n_classes;
  const uint begin = first + (part - a.per_cell) % chunks * CHUNK;
  const uint end = min (begin + CHUNK, first + a.n_classes);
  const uint reported = f.reported[(begin - first) >> 5]; // CHUNK is a word of it
  vec2 terms = vec2 (0.0);
  float best = 0.0;
  uint passed = 0;

  if (a.score == CBAM_DETECT_SOFTMAX)
    terms = softmax_terms (pixel, first);
  // One texel more than CHUNK / 4, because an anchor's classes may begin inside of one.
  for (uint c = begin & ~3u; c < (begin & ~3u) + CHUNK + 4; c += 4) {
    const vec4 score = scores (logits (pixel, min (c, end - 1)), terms);

    [[unroll]] for (uint i = 0; i < 4; i++) {
      const bool counts = c + i >= begin && c + i < end && (reported >> ((c + i - begin) & 31u) & 1u) != 0;

      best = max (best, counts ? score[i] : 0.0);
      if (counts && score[i] > threshold)
        passed |= 1u << (c + i - begin);
    }
  }
  for (; passed != 0; passed &= passed - 1) {
    const uint c = begin + findLSB (passed);
    const uint slot = atomicAdd (n_hits, 1u);

    store_hit (slot, scores (logits (pixel, c), terms)[c & 3u],
               (a.prior + cell * a.per_cell + anchor) * a.n_classes + c - first);
  }
  // Scores are not negative, so their bits have their order. A loop of at most one round: lavapipe passes over a loop
  // that no lane enters, but not over an if.
  for (uint seen = best_bits; floatBitsToUint (best) > seen; seen = 0xffffffffu)
    atomicMax (best_bits, floatBitsToUint (best));
}
