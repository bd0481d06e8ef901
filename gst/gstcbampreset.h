/* The elements' part in GstPreset: named settings, kept in files that applications and gst-launch load.
 *
 *     G_DEFINE_FINAL_TYPE_WITH_CODE (..., G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, gst_cbam_preset_init))
 *
 * Those that ship are in presets/NAME.prs, where NAME is that of the element's type.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

/* A GInterfaceInitFunc. A preset holds all settings of the element but those that name things of one machine. */
void gst_cbam_preset_init (gpointer iface, gpointer data);
