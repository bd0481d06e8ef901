/* What gdk-pixbuf does not ask of a file. Pieces of a PNG and of a WebP are alike: a length and a name, then the
 * content.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "picture-file.h"

#include "exif.h"

#include <string.h>

static guint32
number_at (const guint8 *at)
{
  guint32 value;
  memcpy (&value, at, sizeof value);
  return GUINT32_FROM_LE (value);
}

static gboolean
is_png (const guint8 *data, gsize size)
{
  return size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static gboolean
is_webp (const guint8 *data, gsize size)
{
  return size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0;
}

/* The length of what is not compressed; 0 for what is. */
static gint64
bmp_length (const guint8 *data)
{
  enum
  {
    PLAIN = 0,
    BIT_FIELDS = 3,
  };
  const guint32 compression = number_at (data + 30), depth = number_at (data + 28) & 0xffff;
  if (compression != PLAIN && compression != BIT_FIELDS)
    return 0;
  const gint64 row = ((gint64) (gint32) number_at (data + 18) * depth + 31) / 32 * 4;
  return number_at (data + 10) + row * ABS ((gint64) (gint32) number_at (data + 22));
}

gboolean
picture_file_check (const guint8 *data, gsize size, GError **error)
{
  enum
  {
    BMP_HEAD = 54,
  };
  gint64 needed = 0;
  if (size >= BMP_HEAD && memcmp (data, "BM", 2) == 0)
    needed = bmp_length (data);
  else if (is_webp (data, size))
    needed = 8 + (gint64) number_at (data + 4);
  if ((gint64) size >= needed)
    return TRUE;
  g_set_error (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_CORRUPT_IMAGE,
               "expected a whole picture of %" G_GINT64_FORMAT " bytes, found %" G_GSIZE_FORMAT
               " bytes: it is cut short",
               needed, size);
  return FALSE;
}

static guint
orientation_of_png (const guint8 *data, gsize size)
{
  enum
  {
    HEAD = 8,
    AROUND = 12, /* length, name and check sum of a chunk */
  };
  for (gsize at = HEAD; at + AROUND <= size;) {
    const gsize length = GUINT32_SWAP_LE_BE (number_at (data + at)); /* big-endian, unlike the rest here */
    if (length > size - at - AROUND)
      break;
    if (memcmp (data + at + 4, "eXIf", 4) == 0)
      return exif_orientation (data + at + 8, length);
    at += AROUND + length;
  }
  return EXIF_UPRIGHT;
}

static guint
orientation_of_webp (const guint8 *data, gsize size)
{
  enum
  {
    HEAD = 12,
    BEFORE = 8, /* name and length of a chunk */
  };
  for (gsize at = HEAD; at + BEFORE <= size;) {
    const gsize length = number_at (data + at + 4);
    if (length > size - at - BEFORE)
      break;
    if (memcmp (data + at, "EXIF", 4) == 0)
      return exif_orientation (data + at + BEFORE, length);
    at += BEFORE + length + length % 2;
  }
  return EXIF_UPRIGHT;
}

guint
picture_file_orientation (const guint8 *data, gsize size)
{
  return is_png (data, size)    ? orientation_of_png (data, size)
         : is_webp (data, size) ? orientation_of_webp (data, size)
                                : 0;
}
