/* What cbam-run --check looks at of GStreamer: whether it knows the element, from which file, and whether that is ours.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "findings.h"

G_BEGIN_DECLS

/* Asks gst-inspect-1.0, since the detector itself does without GStreamer. Where that is not installed, or this build
 * has no element, it is a note and no failure. */
void check_plugin (Findings *findings);

G_END_DECLS
