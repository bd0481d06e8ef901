/* GstCbamSession: a model and a detector on it, with which frames are inferred until another model is chosen. Counted:
 * the element holds the current one, and every frame in flight the one it was submitted to, so that a new model can
 * take over between two frames.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/video/video.h>

typedef struct
{
  gatomicrefcount refs;
  char *wanted;            /* the path asked for; NULL = the default model */
  CbamPrecision precision; /* asked for too */
  CbamDevice *device;
  CbamModel *model;
  CbamDetector *detector;
  guint slots;         /* frames that may be in inference at a time */
  guint max_batch;     /* regions of a submission */
  GstClockTime once;   /* how long one frame took */
  gint told;           /* atomic: of numbers that its precision has no room for */
  guint32 classes[32]; /* as in CbamDetectParams; the only thing that changes, under the element's object lock */
} GstCbamSession;

/* The model at @path, NULL or "" being the default one, in @precision, for @task, and a detector for so many frames at
 * a time, of so many regions each (0 = 1).
 * Returns once the file is read, the network compiled, and one frame inferred. */
GstCbamSession *gst_cbam_session_new (CbamDevice *device, const char *path, CbamPrecision precision, const char *task,
                                      guint slots, guint max_batch, GError **error);

/* Warns of numbers that fp16 had no room for, if @result says so, once. */
void gst_cbam_session_heed (GstCbamSession *session, const CbamResult *result);

/* Starts inference on @buffer, a frame of @info in system memory or on the session's device. What is on a device must
 * stay until the result is collected, and with @stays what is in system memory does, too, so that a copy can be saved.
 * It is CBAM_ERROR_BUSY that there is no room for it now. */
gboolean gst_cbam_session_submit (GstCbamSession *session, GstBuffer *buffer, const GstVideoInfo *info,
                                  CbamOrientation orientation, const CbamDetectParams *params, gboolean stays,
                                  GError **error);

/* The same for @n regions of @buffer together, which is in system memory and may go when this returns. */
gboolean gst_cbam_session_submit_regions (GstCbamSession *session, GstBuffer *buffer, const GstVideoInfo *info,
                                          CbamOrientation orientation, const CbamRegion *regions, guint n,
                                          const CbamDetectParams *params, GError **error);

GstCbamSession *gst_cbam_session_ref (GstCbamSession *session);
/* @session may be NULL. */
void gst_cbam_session_unref (GstCbamSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamSession, gst_cbam_session_unref)
