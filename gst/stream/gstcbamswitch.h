/* GstCbamSwitch: which session frames are submitted to, and how another one takes over while they flow: one with
 * another model, or one on the device that frames lie on. The model is loaded in a thread of its own, so that the
 * stream goes on with the old one meanwhile, and for good if the new one cannot be used.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gstcbamenginesettings.h"
#include "gstcbamlatency.h"
#include "gstcbamsession.h"

/* Whether the element can go on with @session, as its other properties want it; it may keep in it what they mean there.
 * Called under the object lock. */
typedef gboolean (*GstCbamAccept) (gpointer data, GstCbamSession *session, GError **error);

typedef struct
{
  GstElement *element;
  GstCbamEngineSettings *settings; /* under the object lock */
  GstCbamLatency *latency;
  const char *task; /* that models must be for */
  GstCbamAccept accept;
  gpointer data;           /* its own */
  GstCbamSession *session; /* the current one, under the object lock; NULL when stopped */

  /* Private: loading. */
  GMutex lock;
  GThread *thread;
  gboolean busy;  /* the thread has not decided to end */
  gboolean again; /* the model was changed again since it began to load */
} GstCbamSwitch;

/* All of them outlive it. */
void gst_cbam_switch_init (GstCbamSwitch *self, GstElement *element, GstCbamEngineSettings *settings,
                           GstCbamLatency *latency, const char *task, GstCbamAccept accept, gpointer data);
/* It has been stopped. */
void gst_cbam_switch_clear (GstCbamSwitch *self);

/* Makes the first session, of so many slots, with the model that the settings name. */
gboolean gst_cbam_switch_start (GstCbamSwitch *self, CbamDevice *device, guint slots, GError **error);

/* There is no session any more, and when this returns, none is being made. */
void gst_cbam_switch_stop (GstCbamSwitch *self);

/* (transfer full): the current session of an element that runs. */
GstCbamSession *gst_cbam_switch_get (GstCbamSwitch *self);

/* (transfer full) (nullable): the current session; if that is on another device, a new one on @device takes over. */
GstCbamSession *gst_cbam_switch_get_on (GstCbamSwitch *self, CbamDevice *device, GError **error);

/* The settings name another model or precision: a session with it takes over as soon as it is loaded, and if it cannot
 * be, a warning says why. Nothing happens when stopped. Returns at once. */
void gst_cbam_switch_change_model (GstCbamSwitch *self);
