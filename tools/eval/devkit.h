/* Pictures with boxes, laid out as Pascal VOC's devkit is:
 *
 *     VOC2007/ImageSets/Main/test.txt    the names of a split's pictures, one a line
 *     VOC2007/JPEGImages/000001.jpg      or .jpeg, .png ... in any case, or what <filename> says
 *     VOC2007/Annotations/000001.xml     the objects in it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "average-precision.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;       /* as the split has it; behind the folder's own name where there are several folders */
  char *path;       /* of the picture, which need not exist */
  char *annotation; /* its path */
  double said_width, said_height; /* what that calls the picture's size; 0 = nothing */
  GArray *objects;                /* VocObject; class ids are places in the devkit's classes */
} DevkitPicture;

typedef struct
{
  GPtrArray *pictures; /* DevkitPicture, in the order of the folders and of their splits */
  GPtrArray *classes;  /* char *: what the annotations call objects, sorted, then %NULL, which its length counts */
  guint n_classes;
  guint n_renamed; /* annotations whose <filename> is another picture's name */
  char *renamed;   /* the first of them in a sentence, or %NULL */
} Devkit;

/* Reads one split of one or more folders as above, or of folders of such folders. The message of an error names the
 * file, what was expected and what was found. */
Devkit *devkit_read (char *const *folders, const char *split, GError **error);
void devkit_free (Devkit *devkit);

/* Compares the annotation with its picture, now that its size is known: <size> must be that, and boxes must lie on it.
 * What reaches beyond its edges is cut off. @classes: the devkit's. */
gboolean devkit_picture_fit (DevkitPicture *picture, const char *const *classes, guint width, guint height,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Devkit, devkit_free)

G_END_DECLS
