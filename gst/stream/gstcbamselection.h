/* Properties that are text: which classes are reported (`classes`), and where in the frame they are looked for (`roi`).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/model.h>

/* Reads "person, car, 17": labels of @model in any case, or their numbers. NULL or "" = every class. FALSE with
 * GST_RESOURCE_ERROR_SETTINGS: one is unknown; the message names those that are known. @ret_classes: as in
 * CbamDetectParams. */
gboolean gst_cbam_classes_parse (const char *text, const CbamModel *model, guint32 ret_classes[32], GError **error);

/* Reads "x,y,width,height" in pixels. NULL or "" = the whole frame. FALSE with GST_RESOURCE_ERROR_SETTINGS: it is none.
 */
gboolean gst_cbam_region_parse (const char *text, CbamRegion *ret_region, GError **error);
