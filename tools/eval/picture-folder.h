/* Folders with pictures in them: the names that they hold, and which of those are pictures'.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PICTURE_KIND_NONE G_MAXUINT

/* The place of @extension, which is what stands behind the last point of a name in any case, among the kinds of
 * pictures: of several pictures of one name the first is taken. %PICTURE_KIND_NONE if it is none. */
guint picture_kind (const char *extension);

/* The names in a folder, sorted. */
GPtrArray *picture_folder_list (const char *folder, GError **error);

/* Refuses a list of folders (char *) in which one is twice. */
gboolean picture_folders_check (const GPtrArray *folders, GError **error);

/* Compares two char * for a sort of such a list. */
int by_name (gconstpointer a, gconstpointer b);

G_END_DECLS
