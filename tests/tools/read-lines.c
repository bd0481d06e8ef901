/* read-lines PATH: prints the lines that text-file.c finds, with a zero byte behind each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text-file.h"

#include <stdio.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) lines = argc == 2 ? text_file_read_lines (argv[1], &error) : NULL;
  if (lines == NULL) {
    fprintf (stderr, "%s\n", error != NULL ? error->message : "read-lines PATH");
    return 1;
  }
  for (char **line = lines; *line != NULL; line++)
    printf ("%s%c", *line, 0);
  return 0;
}
