/* GstCbamClassify: the element `cbamclassify`.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

#define GST_TYPE_CBAM_CLASSIFY (gst_cbam_classify_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamClassify, gst_cbam_classify, GST, CBAM_CLASSIFY, GstElement)

GST_ELEMENT_REGISTER_DECLARE (cbamclassify)
