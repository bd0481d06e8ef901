/* How far a long run has come, on standard error.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#define LINE_EVERY 100 /* where the line does not overwrite itself */

Progress
progress_start (const char *program, guint total)
{
  return (Progress){
    .program = program, .total = total, .start = g_get_monotonic_time (), .is_terminal = isatty (STDERR_FILENO)
  };
}

void
progress_clear (const Progress *progress)
{
  if (progress->is_terminal)
    fputs ("\r\033[K", stderr);
}

void
progress_step (Progress *progress)
{
  const double spent = (double) (g_get_monotonic_time () - progress->start) / G_USEC_PER_SEC;
  progress->done++;
  const guint left = (guint) (spent / progress->done * (progress->total - progress->done) + 0.5);
  if (!progress->is_terminal && (progress->done % LINE_EVERY != 0 || progress->done == progress->total))
    return;
  progress_clear (progress);
  if (progress->done == progress->total)
    return;
  if (!progress->is_terminal)
    fprintf (stderr, "%s: ", progress->program);
  fprintf (stderr, "%u of %u pictures, %u:%02u left%s", progress->done, progress->total, left / 60, left % 60,
           progress->is_terminal ? "" : "\n");
  fflush (stderr);
}

gboolean
progress_walk (const char *program, const GPtrArray *items, ProgressStep step, gpointer data, GError **error)
{
  Progress progress = progress_start (program, items->len);
  gboolean ok = TRUE;
  for (guint i = 0; ok && i < items->len; i++) {
    ok = step (data, g_ptr_array_index (items, i), error);
    if (ok)
      progress_step (&progress);
    else
      progress_clear (&progress);
  }
  return ok;
}
