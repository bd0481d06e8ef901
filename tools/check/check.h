/* cbam-run --check: whether everything that detection needs is there and right, and what to do where it is not.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

/* Looks at the Vulkan devices, the GStreamer plugin, the model file and the answer to a picture whose content is known,
 * in this order, and prints what it found: lines as they come, or one JSON object. @model and @device are those of the
 * options and may be %NULL. Returns %TRUE when nothing is wrong. */
gboolean check_everything (const char *model, const char *device, gboolean json, FILE *out);

G_END_DECLS
