/* CBAM_ERROR: the one error domain of the library, and the name that GLib knows it by.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/types.h>

/* clang-format off */
G_DEFINE_QUARK (cbam-error-quark, cbam_error)
/* clang-format on */
