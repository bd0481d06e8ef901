/* The pads of `cbamdetect` and what flows through them.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamdetect.h"

G_BEGIN_DECLS

/* Adds the pad templates to the class. */
void gst_cbam_stream_class_init (GstElementClass *klass);

/* Makes the pads. */
void gst_cbam_stream_init (GstCbamDetect *self);

/* Forgets the last stream, once the pads are inactive. */
void gst_cbam_stream_reset (GstCbamDetect *self);

G_END_DECLS
