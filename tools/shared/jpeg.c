/* JPEG files, by libjpeg itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "jpeg.h"

#include "exif.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#define EXIF_MARKER (JPEG_APP0 + 1)

typedef struct
{
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  jmp_buf escape;
  char message[JMSG_LENGTH_MAX]; /* of what is wrong with the file; empty: nothing */
  GdkPixbuf *pixbuf;
  guint8 *cmyk; /* a row */
} Decoder;

/* libjpeg goes on after these, with grey or shifted blocks. Others, as "extraneous bytes" behind the picture's data,
 * which some cameras write, cost nothing that can be seen. */
static gboolean
is_damage (int code)
{
  switch (code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC: return TRUE;
    default: return FALSE;
  }
}

static void
warned (j_common_ptr info, int level)
{
  Decoder *decoder = info->client_data;
  if (level < 0 && decoder->message[0] == '\0' && is_damage (info->err->msg_code))
    info->err->format_message (info, decoder->message);
}

static void
failed (j_common_ptr info)
{
  Decoder *decoder = info->client_data;
  info->err->format_message (info, decoder->message);
  longjmp (decoder->escape, 1);
}

static guint
orientation_of (const struct jpeg_decompress_struct *info)
{
  for (jpeg_saved_marker_ptr marker = info->marker_list; marker != NULL; marker = marker->next)
    if (marker->marker == EXIF_MARKER && marker->data_length > 4 && memcmp (marker->data, "Exif", 4) == 0)
      return exif_orientation (marker->data, marker->data_length);
  return EXIF_UPRIGHT;
}

/* Inverted CMYK: of each ink what is not there. */
static void
cmyk_to_rgb (const guint8 *cmyk, guint width, guint8 *rgb)
{
  for (guint i = 0; i < width; i++, cmyk += 4, rgb += 3)
    for (guint c = 0; c < 3; c++)
      rgb[c] = (guint8) (cmyk[c] * cmyk[3] / 255);
}

/* Decodes as far as it goes: an error of libjpeg's leaves by longjmp, which is why all that must be freed is in the
 * decoder. */
static void
decode (Decoder *decoder, const guint8 *data, gsize size)
{
  struct jpeg_decompress_struct *info = &decoder->info;
  char orientation[16];
  if (setjmp (decoder->escape) != 0)
    return;
  jpeg_create_decompress (info);
  jpeg_mem_src (info, data, (unsigned long) size);
  jpeg_save_markers (info, EXIF_MARKER, 0xffff);
  jpeg_read_header (info, TRUE);
  const gboolean is_cmyk = info->num_components == 4;
  info->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress (info);

  const guint width = info->output_width;
  decoder->pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, (int) width, (int) info->output_height);
  if (decoder->pixbuf == NULL) {
    g_snprintf (decoder->message, sizeof decoder->message, "no memory for %ux%u pixels", width, info->output_height);
    return;
  }
  if (is_cmyk)
    decoder->cmyk = g_malloc (4 * (gsize) width);
  const gsize stride = (gsize) gdk_pixbuf_get_rowstride (decoder->pixbuf);
  guint8 *pixels = gdk_pixbuf_get_pixels (decoder->pixbuf);
  while (info->output_scanline < info->output_height) {
    guint8 *rgb = pixels + info->output_scanline * stride, *row = is_cmyk ? decoder->cmyk : rgb;
    jpeg_read_scanlines (info, &row, 1);
    if (is_cmyk)
      cmyk_to_rgb (row, width, rgb);
  }
  g_snprintf (orientation, sizeof orientation, "%u", orientation_of (info));
  gdk_pixbuf_set_option (decoder->pixbuf, "orientation", orientation);
  jpeg_finish_decompress (info); /* reads on to the end of the picture, and warns where there is none */
}

gboolean
jpeg_is_one (const guint8 *data, gsize size)
{
  return size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0;
}

GdkPixbuf *
jpeg_decode (const guint8 *data, gsize size, GError **error)
{
  g_autofree Decoder *decoder = g_new0 (Decoder, 1);
  decoder->info.err = jpeg_std_error (&decoder->errors);
  decoder->info.client_data = decoder;
  decoder->errors.emit_message = warned;
  decoder->errors.error_exit = failed;
  decode (decoder, data, size);
  jpeg_destroy_decompress (&decoder->info);
  g_free (decoder->cmyk);
  if (decoder->message[0] == '\0')
    return decoder->pixbuf;

  g_clear_object (&decoder->pixbuf);
  g_set_error (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_CORRUPT_IMAGE,
               "expected a whole JPEG, found one that is cut short or damaged (%s)", decoder->message);
  return NULL;
}
