/* A value: a feature map or plain bytes, and where and how it lies in device memory.
 *
 * In memory a map is made of texels, four channels of 32 or of 16 bits, with three strides and a border of zeros all
 * round, as wide as its readers' padding:
 *
 *     channel-blocked (CPU devices)         pixel-major = NHWC (GPUs)
 *       plane of channels 0..3                row 0: [pixel 0: blocks 0 1 2 ..][pixel 1: ..]..
 *         0 0 0 0 0 0                         row 1: ..
 *         0 x x x x 0
 *         0 x x x x 0
 *         0 0 0 0 0 0
 *       plane of channels 4..7 ..
 *
 * On the host itself maps are dense: [row][pixel][channel] floats, without texels, padding channels or border.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

#include "args/types.h"

/* What maps and weights are made of. */
typedef enum
{
  CBAM_TYPE_F32,
  CBAM_TYPE_F16,
} CbamType;

typedef enum
{
  CBAM_LAYOUT_BLOCKED,
  CBAM_LAYOUT_PIXEL_MAJOR,
  CBAM_LAYOUT_DENSE,
} CbamLayout;

/* What a value is made of. */
typedef enum
{
  CBAM_VALUE_MAP,   /* width x height x channels numbers */
  CBAM_VALUE_BYTES, /* what only those who use it understand */
} CbamValueKind;

/* Where it lives. */
typedef enum
{
  CBAM_HOME_ARENA, /* in memory that is another value's before and after */
  CBAM_HOME_SLOT,  /* in the slot, since the host reads or writes it */
  CBAM_HOME_FRAME, /* where the frame's pixels are */
} CbamHome;

/* What the host does with it. */
typedef enum
{
  CBAM_HOST_READS = 1 << 0,  /* after a run */
  CBAM_HOST_WRITES = 1 << 1, /* before a run */
} CbamHostUse;

/* What nodes read and write. */
typedef struct
{
  guint id; /* place in the graph's list */
  char *name;
  CbamValueKind kind;
  guint batch;          /* images, one behind the other */
  guint host;           /* CbamHostUse */
  gboolean is_frame;    /* bytes: the frame's pixels */
  gboolean keepable;    /* a slot keeps it beyond its life when asked to */
  gboolean accumulates; /* nodes that write it leave each other alone: parts of a map, or by atomic operations */

  guint width, height, channels; /* of a map */
  gsize host_bytes;              /* of bytes: so many, the first ones, the host writes */

  /* Set by the planner. */
  CbamType type;
  guint border; /* pixels */
  guint blocks; /* texels per pixel there is room for: its writer may store whole tiles of zeros behind the last */
  CbamLayout layout;
  CbamView view;    /* strides in texels; of a dense map in floats */
  gsize offset;     /* bytes, in the arena or in the slot */
  gsize size;       /* bytes; of bytes from the start */
  gint first, last; /* steps between which it lives */
} CbamValue;

/* Bytes of a number. */
static inline gsize
cbam_type_size (CbamType type)
{
  return type == CBAM_TYPE_F16 ? 2 : 4;
}

CbamHome cbam_value_get_home (const CbamValue *value);

/* Numbers of a map, of all images. */
gsize cbam_value_count (const CbamValue *value);

/* Blocks of channels: texels per pixel that hold any. */
guint cbam_value_blocks (const CbamValue *value);

/* Sets strides and size from shape, border, blocks (at least cbam_value_blocks()) and layout. */
void cbam_value_lay_out (CbamValue *value, CbamLayout layout);

/* Between the host's plain [image][channel][row][column] floats and the value's bytes at @memory. Writing also writes
 * zeros to the border and the padding channels. */
void cbam_value_write (const CbamValue *value, guint8 *memory, const float *values);
void cbam_value_read (const CbamValue *value, const guint8 *memory, float *values);
/* The same of one image of the batch: [channel][row][column]. */
void cbam_value_read_image (const CbamValue *value, const guint8 *memory, guint image, float *values);

/* TRUE when border and padding channels at @memory are all zero; the room behind the last block is nobody's. */
gboolean cbam_value_border_is_zero (const CbamValue *value, const guint8 *memory);
