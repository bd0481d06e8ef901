/* CbamDetections: from what the device has left of a detector's frame to its result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "flight.h"

/* Memory that is kept from frame to frame. */
typedef struct _CbamDetections CbamDetections;

CbamDetections *cbam_detections_new (void);
/* @detections may be NULL. */
void cbam_detections_free (CbamDetections *detections);

/* What was found in the frame that was waited for, with maps as over the upright picture of the part that was looked
 * at. */
CbamResult *cbam_detections_read (CbamDetections *detections, CbamModel *model, CbamFlight *flight, GError **error);
