/* GstCbamLooks: what of a frame a classifier is to look at: the regions of interest on it, or all of it.
 *
 *     region (type, x, y, w, h)  --classes, min-size, padding, the network's shape-->  look, or why there is none
 *
 * A classifier looks at the middle of a square, or stretches what it gets to one: of a standing bottle it would see the
 * belly, or a ball. So a region is grown to the shape of what the network looks at, as far as the frame has room.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamclassifysettings.h"

/* Regions of a frame that are looked at, at most; the others are counted. */
#define GST_CBAM_MOST_LOOKS 256

typedef struct
{
  int nth;           /* among the frame's regions of interest; < 0: the whole frame */
  GQuark label;      /* the region's type */
  gint64 id;         /* a tracker's; < 0: none */
  double box[4];     /* left, top, right and bottom edge of the region, in pixels */
  CbamRegion region; /* what is looked at */
} GstCbamLook;

/* Why a region is not looked at. */
typedef enum
{
  GST_CBAM_LEFT_OUT_CLASS, /* the property classes names others */
  GST_CBAM_LEFT_OUT_SMALL, /* too little of it is on the frame, or nothing */
  GST_CBAM_LEFT_OUT_MANY,  /* there are too many */
  GST_CBAM_N_LEFT_OUT,
} GstCbamLeftOut;

typedef struct
{
  GArray *looks; /* GstCbamLook */
  guint left_out[GST_CBAM_N_LEFT_OUT];
} GstCbamLooks;

/* Returns (transfer full): what @settings want of @buffer, a frame of this size. @shape: width by height of what the
 * network looks at, in the frame as it is stored. */
GstCbamLooks *gst_cbam_looks_new (GstBuffer *buffer, int width, int height, double shape,
                                  const GstCbamClassifySettings *settings);
void gst_cbam_looks_free (GstCbamLooks *looks);

/* How much of two looks' boxes is common to both, intersection over union, 0..1. */
double gst_cbam_look_overlap (const double a[4], const double b[4]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamLooks, gst_cbam_looks_free)
