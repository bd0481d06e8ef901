/* Pictures sorted by what they show, a folder for each class, as ImageNet's are:
 *
 *     val/n01440764/ILSVRC2012_val_00000293.JPEG
 *     val/n01443537/...
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name; /* CLASS/FILE; behind the folder's own name where there are several folders */
  char *path;
  guint class_id; /* its place in the set's classes */
} ClassPicture;

typedef struct
{
  GPtrArray *pictures; /* ClassPicture, in the order of the folders, of their classes and of the files' names */
  GPtrArray *classes;  /* char *: the names of the classes' folders, sorted, then %NULL, which its length counts */
  guint n_classes;
} ClassFolders;

/* Reads one or more folders of classes, or with @split (%NULL = none) the folders of that name in them. Files that are
 * no pictures by their names are passed over, and so is what begins with a point. A class without a picture and a
 * folder among pictures are errors; the message names the folder, what was expected and what was found. */
ClassFolders *class_folders_read (char *const *folders, const char *split, GError **error);
void class_folders_free (ClassFolders *set);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClassFolders, class_folders_free)

G_END_DECLS
