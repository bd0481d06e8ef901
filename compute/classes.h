/* From what the device has left of a classifier's frame to its result.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "flight.h"

/* The classes of the frame that was waited for, with maps as over the upright picture of the part that was looked at.
 */
CbamResult *cbam_classes_read (CbamModel *model, CbamFlight *flight, GError **error);
