/* Which precision a model gets on a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/device.h>

/* Never auto. CBAM_ERROR_UNSUPPORTED, with a list of what @device has, where it lacks @wanted. */
gboolean cbam_precision_choose (const CbamDevice *device, CbamPrecision wanted, CbamPrecision *ret_precision,
                                GError **error);
