/* GstCbamDetect: the element `cbamdetect`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

#define GST_TYPE_CBAM_DETECT (gst_cbam_detect_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamDetect, gst_cbam_detect, GST, CBAM_DETECT, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cbamdetect)
