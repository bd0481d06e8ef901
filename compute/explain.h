/* What a network looked at, into a result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "model.h"

/* Attention of every level that has any. */
void cbam_explain_attention (const CbamModel *model, CbamSlot *slot, CbamResult *result);

/* Grad-CAM of the first @n detections of @result; @priors are the detections' anchors. */
gboolean cbam_explain_detections (const CbamModel *model, CbamSlot *slot, const guint32 *priors, guint n,
                                  CbamResult *result, GError **error);
/* The same of its first @n classes. */
gboolean cbam_explain_classes (const CbamModel *model, CbamSlot *slot, guint n, CbamResult *result, GError **error);
