/* How far a long run has come, on standard error: a line that overwrites itself on a terminal, elsewhere one now and
 * then.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *program;
  guint total, done;
  gint64 start;
  gboolean is_terminal;
} Progress;

Progress progress_start (const char *program, guint total);
void progress_step (Progress *progress);

/* Wipes the line, before anything else is written to the terminal. */
void progress_clear (const Progress *progress);

/* Does @step with each of @items, and says how far it has come; up to the first that fails. */
typedef gboolean (*ProgressStep) (gpointer data, gpointer item, GError **error);
gboolean progress_walk (const char *program, const GPtrArray *items, ProgressStep step, gpointer data, GError **error);

G_END_DECLS
