/* GstCbamEngine: what an element infers with: the device that its property names, and the sessions on it.
 *
 *     NULL -> READY      the device is opened, or there is an error at once
 *     READY -> PAUSED    the element starts, and with it the engine: the model is loaded
 *     PAUSED -> READY    both stop
 *     READY -> NULL      the device goes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "frame/gstcbamvulkan.h"
#include "gstcbamswitch.h"

GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);

/* What the element does. */
typedef struct
{
  const char *task; /* "detect": as models say, and as a verb */
  const char *noun; /* "Detection": at the beginning of a sentence */
} GstCbamEngineWords;

typedef struct
{
  GstElement *element;
  const GstCbamEngineWords *words;

  GstCbamEngineSettings settings; /* under the object lock */
  GstCbamLatency latency;
  GstCbamSwitch sessions;

  /* Change with the element's state, while no data flows. */
  CbamDevice *device; /* READY and up; what the property names, wherever frames come from */
  guint slots;        /* PAUSED and up; how much may be in inference at a time */

  int error_posted; /* atomic: one error per start or flush */
} GstCbamEngine;

/* @accept: see GstCbamSwitch. */
void gst_cbam_engine_init (GstCbamEngine *self, GstElement *element, const GstCbamEngineWords *words,
                           const GstCbamEngineTexts *texts, GstCbamAccept accept, gpointer data);
/* The element is in the state NULL. */
void gst_cbam_engine_clear (GstCbamEngine *self);

/* Changes the state of the element, as its class does it and @parent_class. @start, below PAUSED, gives FALSE when it
 * has posted why it cannot; @stop comes after the pads have become inactive, and after a start that failed later. */
GstStateChangeReturn gst_cbam_engine_change_state (GstCbamEngine *self, GstElementClass *parent_class,
                                                   GstStateChange transition, gboolean (*start) (GstElement *element),
                                                   void (*stop) (GstElement *element));

/* Loads the model on the device that the property names now: the one that is open already, unless it has failed. */
gboolean gst_cbam_engine_start (GstCbamEngine *self, GError **error);

/* Posts why the element does not start. @details: what its properties say, for those who look closer. */
void gst_cbam_engine_post_start_error (GstCbamEngine *self, const GError *error, const char *details);

/* Adds to statistics what computes: `device` and `kernels`, empty without a session. */
void gst_cbam_engine_describe (GstCbamEngine *self, GstStructure *stats);

/* There is no session any more. */
void gst_cbam_engine_stop (GstCbamEngine *self);

/* The properties of GstCbamEngineSettings, at any time and with what follows from a new value. FALSE: it is none of
 * these. */
gboolean gst_cbam_engine_set_property (GstCbamEngine *self, guint id, const GValue *value);
gboolean gst_cbam_engine_get_property (GstCbamEngine *self, guint id, GValue *value);

/* Returns (transfer full) (nullable): what @buffer is submitted to: frames that are on a device are inferred there.
 * That is @vulkan's, which is the streaming thread's. */
GstCbamSession *gst_cbam_engine_get_session (GstCbamEngine *self, GstCbamVulkan *vulkan, GstBuffer *buffer,
                                             GError **error);

/* Whether nobody has posted an error yet that stops the stream; whoever asks does it now. */
gboolean gst_cbam_engine_is_first_error (GstCbamEngine *self);

/* Posts @error on the bus as what stops the stream, if it is the first. */
void gst_cbam_engine_post_error (GstCbamEngine *self, const GError *error);

/* A new stream: the next error is the first. */
void gst_cbam_engine_forget_errors (GstCbamEngine *self);
