/* GstCbamSession: a model and a detector on it, with which frames are inferred until another model is chosen. Counted:
 * the element holds the current one, and every frame in flight the one it was submitted to, so that a new model can
 * take over between two frames.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  gatomicrefcount refs;
  char *wanted; /* the path asked for; NULL = the default model */
  CbamDevice *device;
  CbamModel *model;
  CbamDetector *detector;
  GstClockTime once;   /* how long one frame took */
  guint32 classes[32]; /* as in CbamDetectParams; the only thing that changes, under the element's object lock */
} GstCbamSession;

/* Loads the model @path (NULL or "" = the default one) and makes a detector of so many slots. Takes as long as reading
 * the file and compiling the network take. */
GstCbamSession *gst_cbam_session_new (CbamDevice *device, const char *path, guint slots, GError **error);

GstCbamSession *gst_cbam_session_ref (GstCbamSession *session);
/* @session may be NULL. */
void gst_cbam_session_unref (GstCbamSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstCbamSession, gst_cbam_session_unref)

G_END_DECLS
