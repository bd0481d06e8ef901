/* Files that are pictures by their names.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define PICTURE_KIND_NONE G_MAXUINT

/* The place of @extension, which is what stands behind the last point of a name in any case, among the kinds of
 * pictures: of several pictures of one name the first is taken. %PICTURE_KIND_NONE if it is none. */
guint picture_kind (const char *extension);

/* The names in a folder, sorted; none where it cannot be read. */
GPtrArray *picture_names_list (const char *folder);

G_END_DECLS
