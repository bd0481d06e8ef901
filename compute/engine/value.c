/* Tensors: layout, and moving values between the host's and the device's order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/value.h"

#include <string.h>

guint
cbam_tensor_blocks (const CbamTensor *tensor)
{
  const guint per_texel = cbam_channels_per_texel (tensor->precision);

  return (tensor->channels + per_texel - 1) / per_texel;
}

void
cbam_tensor_lay_out (CbamTensor *tensor, CbamLayout layout)
{
  const guint full_width = tensor->width + 2 * tensor->border;
  const guint full_height = tensor->height + 2 * tensor->border;
  const guint blocks = tensor->blocks = MAX (tensor->blocks, cbam_tensor_blocks (tensor));
  const gboolean blocked = layout == CBAM_LAYOUT_BLOCKED;
  CbamView *view = &tensor->view;

  view->pixel = blocked ? 1 : blocks;
  view->row = view->pixel * full_width;
  view->plane = blocked ? full_width * full_height : 1;
  view->origin = tensor->border * (view->row + view->pixel);
  tensor->size = (gsize) full_width * full_height * blocks * CBAM_TEXEL_BYTES;
}

/* The float of channel @c at pixel (@x, @y), which may lie in the border. */
static gsize
float_index (const CbamTensor *tensor, gint x, gint y, guint c)
{
  const CbamView *view = &tensor->view;
  const gssize texel =
      (gssize) view->origin + (gssize) y * view->row + (gssize) x * view->pixel + (gssize) (c / 4) * view->plane;

  return (gsize) texel * 4 + c % 4;
}

void
cbam_tensor_write (const CbamTensor *tensor, guint8 *memory, const float *values)
{
  float *out = (float *) memory;

  memset (memory, 0, tensor->size);
  for (guint c = 0; c < tensor->channels; c++)
    for (guint y = 0; y < tensor->height; y++)
      for (guint x = 0; x < tensor->width; x++)
        out[float_index (tensor, x, y, c)] = *values++;
}

void
cbam_tensor_read (const CbamTensor *tensor, const guint8 *memory, float *values)
{
  const float *in = (const float *) memory;

  for (guint c = 0; c < tensor->channels; c++)
    for (guint y = 0; y < tensor->height; y++)
      for (guint x = 0; x < tensor->width; x++)
        *values++ = in[float_index (tensor, x, y, c)];
}

gboolean
cbam_tensor_border_is_zero (const CbamTensor *tensor, const guint8 *memory)
{
  const float *in = (const float *) memory;
  const gint b = tensor->border;
  const gint width = tensor->width, height = tensor->height;

  for (guint c = 0; c < cbam_tensor_blocks (tensor) * 4; c++)
    for (gint y = -b; y < height + b; y++)
      for (gint x = -b; x < width + b; x++) {
        const gboolean real = x >= 0 && x < width && y >= 0 && y < height && c < tensor->channels;

        if (!real && in[float_index (tensor, x, y, c)] != 0.0f)
          return FALSE;
      }
  return TRUE;
}
