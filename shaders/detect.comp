// The detection tail of one level: boxes decoded, scores compared with the threshold, what passes appended to a list
// with room for every prior and class. The order of the list is the device's own; the host sorts it.
//
// Workgroups with y < per_cell decode the boxes of that anchor; the others take one texel of conf each.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
#include "args/detect.h"
#include "args/frame.h"
#include "common/loads.glsl"

layout (local_size_x = 64) in;
MAP_BUFFER (0, loc);
MAP_BUFFER (1, conf);
MAP_BUFFER (2, anchors);
layout (binding = 3, std430) readonly buffer Frame { CbamFrameArgs f; };
layout (binding = 4, std430) writeonly buffer Boxes { vec4 boxes[]; };
layout (binding = 5, std430) buffer Hits { uint n_hits; uint padding; CbamHit hits[]; };
layout (push_constant) uniform Args { CbamDetectArgs a; };

// Largest t of exp (t): ln (1000 / 16), as torchvision; keeps a wild output finite.
#define MAX_LOG_SIZE 4.135166556742356

// Centre form to corners, in fractions of the input (SSD section 2.2).
vec4 decode (vec4 t, vec4 anchor)
{
  const vec2 centre = anchor.xy + t.xy * vec2 (a.variance[0], a.variance[1]) * anchor.zw;
  const vec2 size = anchor.zw * exp (min (t.zw * vec2 (a.variance[2], a.variance[3]), vec2 (MAX_LOG_SIZE)));

  return vec4 (centre - 0.5 * size, centre + 0.5 * size);
}

float logit (uint pixel, uint channel)
{
  return LOAD (conf, pixel + (channel >> 2) * a.conf.plane)[channel & 3u];
}

// Sum of exp (logit - largest) over the classes of an anchor.
float softmax_sum (uint pixel, uint first, out float largest)
{
  float sum = 0.0;

  largest = logit (pixel, first);
  for (uint k = 1; k < a.n_classes; k++)
    largest = max (largest, logit (pixel, first + k));
  for (uint k = 0; k < a.n_classes; k++)
    sum += exp (logit (pixel, first + k) - largest);
  return sum;
}

void main ()
{
  const uint cell = gl_GlobalInvocationID.x;

  if (cell >= a.width * a.height)
    return;
  const uint row = cell / a.width, column = cell % a.width;

  if (gl_WorkGroupID.y < a.per_cell) {
    const uint anchor = gl_WorkGroupID.y;
    const uint prior = a.prior + cell * a.per_cell + anchor;
    const vec4 t = LOAD (loc, a.loc.origin + row * a.loc.row + column * a.loc.pixel + anchor * a.loc.plane);

    boxes[prior] = decode (t, LOAD (anchors, prior - a.prior));
    return;
  }

  const uint texel = gl_WorkGroupID.y - a.per_cell;
  const uint pixel = a.conf.origin + row * a.conf.row + column * a.conf.pixel;
  const vec4 x = LOAD (conf, pixel + texel * a.conf.plane);
  uint anchor = texel * 4 / a.n_classes;
  uint label = texel * 4 - anchor * a.n_classes;
  float largest = 0.0, sum = 0.0;
  bool summed = false;

  for (uint i = 0; i < 4 && anchor < a.per_cell; i++) {
    float score;

    if (a.score == CBAM_DETECT_SIGMOID) {
      score = 1.0 / (1.0 + exp (-x[i]));
    } else {
      if (!summed)
        sum = softmax_sum (pixel, anchor * a.n_classes, largest);
      summed = true;
      score = exp (x[i] - largest) / sum;
    }
    if (score > f.threshold && (f.reported[label >> 5] & (1u << (label & 31u))) != 0) {
      const uint slot = atomicAdd (n_hits, 1u);

      hits[slot].score = score;
      hits[slot].prior_class = (a.prior + cell * a.per_cell + anchor) * a.n_classes + label;
    }
    if (++label == a.n_classes) {
      label = 0;
      anchor++;
      summed = false;
    }
  }
}
