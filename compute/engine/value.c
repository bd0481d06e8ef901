/* Values: layout of maps, and moving numbers between the host's and the device's order.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/value.h"

#include <string.h>

#include "engine/half.h"

CbamHome
cbam_value_get_home (const CbamValue *value)
{
  return value->is_frame ? CBAM_HOME_FRAME : value->host ? CBAM_HOME_SLOT : CBAM_HOME_ARENA;
}

gsize
cbam_value_count (const CbamValue *value)
{
  return (gsize) value->width * value->height * value->channels * value->batch;
}

guint
cbam_value_blocks (const CbamValue *value)
{
  return (value->channels + CBAM_TEXEL_CHANNELS - 1) / CBAM_TEXEL_CHANNELS;
}

static void
lay_out_dense (CbamValue *value)
{
  value->blocks = cbam_value_blocks (value);
  value->view = (CbamView){
    .row = value->width * value->channels,
    .pixel = value->channels,
    .plane = CBAM_TEXEL_CHANNELS,
    .frame = value->width * value->height * value->channels,
  };
  value->size = cbam_value_count (value) * cbam_type_size (value->type);
}

void
cbam_value_lay_out (CbamValue *value, CbamLayout layout)
{
  value->layout = layout;
  if (layout == CBAM_LAYOUT_DENSE) {
    lay_out_dense (value);
    return;
  }

  const guint full_width = value->width + 2 * value->border;
  const guint full_height = value->height + 2 * value->border;
  const guint blocks = value->blocks = MAX (value->blocks, cbam_value_blocks (value));
  const gboolean blocked = layout == CBAM_LAYOUT_BLOCKED;
  CbamView *view = &value->view;

  view->pixel = blocked ? 1 : blocks;
  view->row = view->pixel * full_width;
  view->plane = blocked ? full_width * full_height : 1;
  view->origin = value->border * (view->row + view->pixel);
  view->frame = full_width * full_height * blocks;
  value->size = (gsize) view->frame * value->batch * CBAM_TEXEL_CHANNELS * cbam_type_size (value->type);
}

/* The number of channel @c of image @i at pixel (@x, @y), which may lie in the border. */
static gsize
number_index (const CbamValue *value, guint i, gint x, gint y, guint c)
{
  const CbamView *view = &value->view;
  const gssize unit = (gssize) i * view->frame + view->origin + (gssize) y * view->row + (gssize) x * view->pixel +
                      (gssize) (c / CBAM_TEXEL_CHANNELS) * view->plane;

  return (gsize) unit * (value->layout == CBAM_LAYOUT_DENSE ? 1 : CBAM_TEXEL_CHANNELS) + c % CBAM_TEXEL_CHANNELS;
}

static void
set_number (const CbamValue *value, guint8 *memory, gsize index, float number)
{
  if (value->type == CBAM_TYPE_F16)
    ((guint16 *) memory)[index] = cbam_half_from_float (number);
  else
    ((float *) memory)[index] = number;
}

static float
get_number (const CbamValue *value, const guint8 *memory, gsize index)
{
  return value->type == CBAM_TYPE_F16 ? cbam_half_to_float (((const guint16 *) memory)[index])
                                      : ((const float *) memory)[index];
}

void
cbam_value_write (const CbamValue *value, guint8 *memory, const float *values)
{
  memset (memory, 0, value->size);
  for (guint i = 0; i < value->batch; i++)
    for (guint c = 0; c < value->channels; c++)
      for (guint y = 0; y < value->height; y++)
        for (guint x = 0; x < value->width; x++)
          set_number (value, memory, number_index (value, i, x, y, c), *values++);
}

void
cbam_value_read_image (const CbamValue *value, const guint8 *memory, guint image, float *values)
{
  for (guint c = 0; c < value->channels; c++)
    for (guint y = 0; y < value->height; y++)
      for (guint x = 0; x < value->width; x++)
        *values++ = get_number (value, memory, number_index (value, image, x, y, c));
}

void
cbam_value_read (const CbamValue *value, const guint8 *memory, float *values)
{
  for (guint i = 0; i < value->batch; i++)
    cbam_value_read_image (value, memory, i, values + cbam_value_count (value) / value->batch * i);
}

static gboolean
image_border_is_zero (const CbamValue *value, guint image, const guint8 *memory)
{
  const gint b = value->border;
  const gint width = value->width, height = value->height;

  for (guint c = 0; c < cbam_value_blocks (value) * CBAM_TEXEL_CHANNELS; c++)
    for (gint y = -b; y < height + b; y++)
      for (gint x = -b; x < width + b; x++) {
        const gboolean real = x >= 0 && x < width && y >= 0 && y < height && c < value->channels;

        if (!real && get_number (value, memory, number_index (value, image, x, y, c)) != 0.0f)
          return FALSE;
      }
  return TRUE;
}

gboolean
cbam_value_border_is_zero (const CbamValue *value, const guint8 *memory)
{
  if (value->layout == CBAM_LAYOUT_DENSE)
    return TRUE; /* it has none */
  for (guint i = 0; i < value->batch; i++)
    if (!image_border_is_zero (value, i, memory))
      return FALSE;
  return TRUE;
}
