/* Structs that callers fill in.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/given.h"

#include <cbamdetect/version.h>

#include <string.h>

gboolean
cbam_take_given (const char *type, gconstpointer given, gsize size, gpointer own, gsize own_size, GError **error)
{
  memset (own, 0, own_size);
  if (given == NULL)
    return TRUE;
  if (size == 0)
    size = own_size;
  memcpy (own, given, MIN (size, own_size));
  for (gsize i = own_size; i < size; i++) {
    if (((const guint8 *) given)[i] == 0)
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%s: version " CBAM_VERSION " of the library knows %" G_GSIZE_FORMAT
                 " bytes of it, found something in byte %" G_GSIZE_FORMAT,
                 type, own_size, i);
    return FALSE;
  }
  return TRUE;
}
