/* What ops share whose invocations each make one texel of a padded map.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"

/* Groups of @threads along x for all pixels of @out and its border, and along y for its blocks; returns what kernels
 * find rows with, 1 / the padded width. */
static inline float
cbam_padded_dispatch (const CbamValue *out, guint threads, CbamDispatch *ret_dispatch)
{
  const guint full_width = out->width + 2 * out->border, full_height = out->height + 2 * out->border;

  ret_dispatch->groups[0] = (full_width * full_height + threads - 1) / threads;
  ret_dispatch->groups[1] = cbam_value_blocks (out);
  return 1.0f / (float) full_width;
}

#define CBAM_FLAVOUR(label, module, need, type, fill, ...)                                                             \
  {                                                                                                                    \
    .name = label, .shader = &cbam_shader_##module, .needs = need, .args_size = sizeof (type), .dispatch = fill,       \
    __VA_ARGS__                                                                                                        \
  }

/* A kernel in its flavours for maps of 32 bits: @module names the shader; what else its table says comes last. */
#define CBAM_TEXEL_AND_PLAIN(suffix, module, type, fill, ...)                                                          \
  { .name = "texel" suffix,                                                                                            \
    .shader = &cbam_shader_##module##_texel,                                                                           \
    .narrow = &cbam_shader_##module##_texel_narrow,                                                                    \
    .needs = CBAM_NEED_TEXELS,                                                                                         \
    .args_size = sizeof (type),                                                                                        \
    .dispatch = fill,                                                                                                  \
    __VA_ARGS__ },                                                                                                     \
      CBAM_FLAVOUR ("plain" suffix, module##_plain, 0, type, fill, __VA_ARGS__)
/* ... and for those of 16. */
#define CBAM_FLAVOURS(suffix, module, type, fill, ...)                                                                 \
  CBAM_TEXEL_AND_PLAIN (suffix, module, type, fill, __VA_ARGS__),                                                      \
      CBAM_FLAVOUR ("half" suffix, module##_half, CBAM_NEED_HALF, type, fill, __VA_ARGS__)
