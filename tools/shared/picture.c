/* Pictures as files hold them, upright and ready for the detector.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "picture.h"

#include "jpeg.h"
#include "picture-file.h"

#include <string.h>

/* The picture as it is stored; its option "orientation" says how it is turned upright. */
static GdkPixbuf *
load_stored (const char *path, GError **error)
{
  g_autofree char *content = NULL;
  gsize size;
  if (!g_file_get_contents (path, &content, &size, error))
    return NULL;
  const guint8 *data = (const guint8 *) content;
  if (jpeg_is_one (data, size))
    return jpeg_decode (data, size, error);
  if (!picture_file_check (data, size, error))
    return NULL;

  GdkPixbuf *stored = gdk_pixbuf_new_from_file (path, error);
  const guint said = picture_file_orientation (data, size);
  if (stored != NULL && said != 0) {
    g_autofree char *orientation = g_strdup_printf ("%u", said);
    gdk_pixbuf_remove_option (stored, "orientation");
    gdk_pixbuf_set_option (stored, "orientation", orientation);
  }
  return stored;
}

GdkPixbuf *
picture_load (const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GdkPixbuf) stored = load_stored (path, &cause);
  if (stored == NULL || cause != NULL) { /* of half a GIF there are both */
    /* Some messages name the file and others do not. */
    g_autofree char *name = g_filename_display_name (path);
    if (strstr (cause->message, name) != NULL)
      g_set_error_literal (error, cause->domain, cause->code, cause->message);
    else
      g_set_error (error, cause->domain, cause->code, "cannot read '%s': %s", name, cause->message);
    return NULL;
  }

  GdkPixbuf *upright = gdk_pixbuf_apply_embedded_orientation (stored);
  if (upright == NULL)
    g_set_error (error, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_INSUFFICIENT_MEMORY, "no memory to turn '%s' upright", path);
  return upright;
}

CbamImage
picture_view (GdkPixbuf *pixbuf)
{
  return (CbamImage){
    .format = gdk_pixbuf_get_has_alpha (pixbuf) ? CBAM_FORMAT_RGBA : CBAM_FORMAT_RGB,
    .width = gdk_pixbuf_get_width (pixbuf),
    .height = gdk_pixbuf_get_height (pixbuf),
    .planes = { gdk_pixbuf_read_pixels (pixbuf) },
    .strides = { gdk_pixbuf_get_rowstride (pixbuf) },
  };
}

char *
picture_output_path (const char *folder, const char *path, GHashTable *taken)
{
  g_autofree char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');
  if (dot != NULL && dot != name)
    *dot = '\0';

  for (guint number = 1;; number++) {
    g_autofree char *file =
        number == 1 ? g_strdup_printf ("%s.png", name) : g_strdup_printf ("%s-%u.png", name, number);
    g_autofree char *full = g_build_filename (folder, file, NULL);
    if (g_hash_table_add (taken, g_strdup (full)))
      return g_steal_pointer (&full);
  }
}
