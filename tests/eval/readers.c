/* What the programs' readers make of files, for tests to compare with:
 *
 *     readers pictures FILE...        for each "ok WIDTH HEIGHT", a line feed and its pixels (RGB), or "error MESSAGE"
 *     readers devkit SPLIT FOLDER     for each picture "picture WIDTH HEIGHT" and its objects in lines of "object CLASS
 *                                     XMIN YMIN XMAX YMAX DIFFICULT", tabs between; or in the end "error MESSAGE"
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>

#include "eval/devkit.h"
#include "shared/picture.h"

static void
print_error (const GError *error)
{
  printf ("error %s\n", error->message);
}

static void
print_pixels (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkPixbuf) pixbuf = picture_load (path, &error);
  if (pixbuf == NULL) {
    print_error (error);
    return;
  }
  const CbamImage image = picture_view (pixbuf);
  const gsize step = image.format == CBAM_FORMAT_RGBA ? 4 : 3;
  printf ("ok %u %u\n", image.width, image.height);
  for (guint y = 0; y < image.height; y++)
    for (guint x = 0; x < image.width; x++)
      fwrite ((const guint8 *) image.planes[0] + y * (gsize) image.strides[0] + x * step, 1, 3, stdout);
}

static gboolean
print_picture (const Devkit *devkit, DevkitPicture *picture, GError **error)
{
  const char *const *classes = (const char *const *) devkit->classes->pdata;
  g_autoptr (GdkPixbuf) pixbuf = picture_load (picture->path, error);
  if (pixbuf == NULL)
    return FALSE;
  const CbamImage image = picture_view (pixbuf);
  if (!devkit_picture_fit (picture, classes, image.width, image.height, error))
    return FALSE;
  printf ("picture\t%u\t%u\n", image.width, image.height);
  for (guint i = 0; i < picture->objects->len; i++) {
    const VocObject *object = &g_array_index (picture->objects, VocObject, i);
    const VocBox *box = &object->box;
    printf ("object\t%s\t%.17g\t%.17g\t%.17g\t%.17g\t%d\n", classes[object->class_id], box->x0, box->y0, box->x1,
            box->y1, object->is_difficult);
  }
  return TRUE;
}

static void
print_devkit (const char *split, char **folders)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Devkit) devkit = devkit_read (folders, split, &error);
  for (guint i = 0; error == NULL && i < devkit->pictures->len; i++)
    print_picture (devkit, g_ptr_array_index (devkit->pictures, i), &error);
  if (error != NULL)
    print_error (error);
}

int
main (int argc, char **argv)
{
  g_assert_cmpint (argc, >, 2);
  if (strcmp (argv[1], "devkit") == 0)
    print_devkit (argv[2], argv + 3);
  else
    for (int i = 2; i < argc; i++)
      print_pixels (argv[i]);
  return 0;
}
