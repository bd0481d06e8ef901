/* CBAM_ERROR: the one error domain of the library, and the name that GLib knows it by.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/types.h>

/* Not G_DEFINE_QUARK(), whose cache of the number threads read and write without order. */
GQuark
cbam_error_quark (void)
{
  return g_quark_from_static_string ("cbam-error-quark");
}
