/* A program as its caller meets it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "program.h"

#include <cbamdetect/version.h>
#include <locale.h>
#include <stdio.h>

static const char *program_name;

gboolean
program_start (const Program *program, int *argc, char ***argv)
{
  program_name = program->name;
  setlocale (LC_ALL, "");
  setlocale (LC_NUMERIC, "C"); /* what we print is read by programs too */

  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, program->entries, NULL);
  g_option_context_set_summary (context, program->summary);
  g_option_context_set_description (context, program->description);
  if (!g_option_context_parse (context, argc, argv, &error)) {
    program_complain ("%s", error->message);
    return FALSE;
  }
  const char *wrong = program->check_options ();
  if (wrong != NULL)
    program_complain ("%s (%s --help tells more)", wrong, program_name);
  return wrong == NULL;
}

void
program_complain (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  fprintf (stderr, "%s: %s\n", program_name, text);
}

int
program_print_version (void)
{
  return printf ("%s %s\n", program_name, CBAM_VERSION) > 0 ? STATUS_OK : STATUS_FAILED;
}

int
program_end (int status)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return status;
  program_complain ("cannot write to standard output");
  return STATUS_FAILED;
}
