/* GstCbamOverlayElement: the element `cbamoverlay`, which draws what the metadata of frames says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

#define GST_TYPE_CBAM_OVERLAY_ELEMENT (gst_cbam_overlay_element_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamOverlayElement, gst_cbam_overlay_element, GST, CBAM_OVERLAY_ELEMENT, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cbamoverlay)
