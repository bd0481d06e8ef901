/* Which way up a picture was taken: EXIF's orientation.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EXIF_UPRIGHT 1

/* The orientation that an EXIF block names, with or without "Exif" before it: 1 to 8, as EXIF counts them. What says
 * none, or is no EXIF, is upright: that is no reason not to show a picture. */
guint exif_orientation (const guint8 *exif, gsize size);

G_END_DECLS
