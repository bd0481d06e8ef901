/* write-file PATH: makes standard input the content of PATH, by output-file.c.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "shared/output-file.h"

#include <stdio.h>

int
main (int argc, char **argv)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint8 bytes[4096];
  gsize n;
  if (argc != 2)
    return 2;
  while ((n = fread (bytes, 1, sizeof bytes, stdin)) > 0)
    g_byte_array_append (content, bytes, (guint) n);
  if (output_file_write (argv[1], content->data, content->len, &error))
    return 0;
  fprintf (stderr, "%s\n", error->message);
  return 1;
}
