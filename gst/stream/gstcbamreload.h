/* GstCbamReload: another model while frames flow. It is loaded in a thread of its own, so that the stream goes on with
 * the old one meanwhile, and for good if the new one cannot be used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstCbamDetect GstCbamDetect;

/* Zeroed is a good start. */
typedef struct
{
  GMutex lock;
  GThread *thread;
  gboolean busy;  /* the thread has not decided to end */
  gboolean again; /* the model was changed again since it began to load */
} GstCbamReload;

/* The property `model` of the running element has changed; nothing happens if it does not run any more. Returns at
 * once. */
void gst_cbam_reload_request (GstCbamDetect *self);

/* Waits for what is being loaded, and begins nothing new. The session must be gone. */
void gst_cbam_reload_stop (GstCbamDetect *self);

G_END_DECLS
