/* Which class of a set each of a model's labels means, for models that were trained with other names. The file has a
 * line for each label that differs:
 *
 *     couch = sofa       # a comment
 *     train =            # means nothing in the set
 *
 * A label that has no line means the class of its own name. Several labels may mean one class.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LABEL_MEANS_NOTHING -1

/* Returns the place in @classes (sorted or not, up to %NULL) of what each of the @n_labels labels means, or
 * %LABEL_MEANS_NOTHING. @path: the file; %NULL = every label means the class of its name. A line for a label that the
 * model does not have is an error, and so is it if no label means any class; one for a class that the set does not have
 * is not, since a split may lack some. */
int *label_map_read (const char *path, const char *const *labels, guint n_labels, const char *const *classes,
                     GError **error);

/* The names of @classes (up to %NULL) that no label means, quoted and with commas between; %NULL if all are meant. */
char *label_map_missing (const int *meanings, guint n_labels, const char *const *classes);

G_END_DECLS
