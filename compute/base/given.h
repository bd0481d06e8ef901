/* Structs that callers fill in. They begin with their own size and grow at the end, so that a caller may know an older
 * or a newer form than the library; what is not there is zero, which means the default.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

/* Fills @own, which has @own_size bytes, with the @size bytes at @given (0 = the form of version 0.1, which is
 * today's), or with zeros where @given is NULL. CBAM_ERROR_UNSUPPORTED: something is set that this library does not
 * know. @type is the struct's name, for messages. */
gboolean cbam_take_given (const char *type, gconstpointer given, gsize size, gpointer own, gsize own_size,
                          GError **error);
