/* GstCbamJson: the element `cbamjson`, which makes a line of JSON of the metadata of each frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/base/gstbasetransform.h>

#define GST_TYPE_CBAM_JSON (gst_cbam_json_get_type ())
G_DECLARE_FINAL_TYPE (GstCbamJson, gst_cbam_json, GST, CBAM_JSON, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE (cbamjson)
