/* A program as its caller meets it: it takes options, says in one line what is wrong, and ends with a status.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Exit statuses: all went well; something did not; wrong options. */
enum
{
  STATUS_OK = 0,
  STATUS_FAILED = 1,
  STATUS_USAGE = 2,
};

typedef struct
{
  const char *name, *summary, *description;
  const GOptionEntry *entries;
  const char *(*check_options) (void); /* says what is wrong with them, or returns %NULL */
} Program;

/* Comes first, and once: sets the locale and reads the options. After %FALSE what is wrong with them has been said. */
gboolean program_start (const Program *program, int *argc, char ***argv);

/* A line on standard error that begins with the program's name. */
void program_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* Prints name and version. Returns the exit status. */
int program_print_version (void);

/* The exit status: @status, unless something that was printed got lost. */
int program_end (int status);

G_END_DECLS
