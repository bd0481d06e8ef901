/* Which way up a picture was taken: EXIF's orientation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "exif.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_SIZE 12
#define NAME "Exif\0" /* with the zero that ends a literal: two zeros */

typedef struct
{
  const guint8 *data;
  gsize size;
  gboolean is_big_endian;
} Block;

/* @n bytes as a number; 0 behind the block's end. */
static guint32
number_at (const Block *block, gsize at, guint n)
{
  guint32 value = 0;
  if (at > block->size || block->size - at < n)
    return 0;
  for (guint i = 0; i < n; i++)
    value |= (guint32) block->data[at + i] << 8 * (block->is_big_endian ? n - 1 - i : i);
  return value;
}

guint
exif_orientation (const guint8 *exif, gsize size)
{
  if (size >= sizeof NAME && memcmp (exif, NAME, sizeof NAME) == 0) {
    exif += sizeof NAME;
    size -= sizeof NAME;
  }
  const Block block = { .data = exif, .size = size, .is_big_endian = size > 0 && exif[0] == 'M' };
  if (size < 8 || (memcmp (exif, "II*\0", 4) != 0 && memcmp (exif, "MM\0*", 4) != 0))
    return EXIF_UPRIGHT;

  const gsize directory = number_at (&block, 4, 4);
  const guint n_entries = number_at (&block, directory, 2);
  for (guint i = 0; i < n_entries; i++) {
    const gsize entry = directory + 2 + (gsize) i * ENTRY_SIZE;
    if (number_at (&block, entry, 2) != TAG_ORIENTATION || number_at (&block, entry + 2, 2) != TYPE_SHORT)
      continue;
    const guint orientation = number_at (&block, entry + 8, 2);
    return orientation >= 1 && orientation <= 8 ? orientation : EXIF_UPRIGHT;
  }
  return EXIF_UPRIGHT;
}
