/* What a network looked at, into a result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "flight.h"

/* Attention of every level that has any. */
void cbam_explain_attention (const CbamModel *model, const CbamFlight *flight, CbamResult *result);

/* Grad-CAM of as many of the first detections of @result as the flight's parameters ask for; @priors are the
 * detections' anchors. */
gboolean cbam_explain_detections (const CbamModel *model, const CbamFlight *flight, const guint32 *priors,
                                  CbamResult *result, GError **error);
/* The same of its first classes. */
gboolean cbam_explain_classes (const CbamModel *model, const CbamFlight *flight, CbamResult *result, GError **error);
