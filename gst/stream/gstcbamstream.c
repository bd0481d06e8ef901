/* What the inlet and the outlet share: how it begins and ends.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstream.h"

#include "gstcbamselection.h"

GST_DEBUG_CATEGORY (gst_cbam_debug);
#define GST_CAT_DEFAULT gst_cbam_debug

static const GstCbamEngineWords words = { .task = "detect", .noun = "Detection" };

/* The model must know the classes that are asked for. */
static gboolean
accept (gpointer data, GstCbamSession *session, GError **error)
{
  const GstCbamStream *self = data;

  return gst_cbam_classes_parse (self->settings.classes, session->model, session->classes, error);
}

void
gst_cbam_stream_init (GstCbamStream *self, GstElement *element, GstPad *sink_pad, GstPad *src_pad)
{
  self->element = element;
  self->sink_pad = sink_pad;
  self->src_pad = src_pad;
  gst_cbam_settings_init (&self->settings);
  gst_cbam_qos_init (&self->qos);
  gst_cbam_stats_init (&self->stats);
  gst_cbam_engine_init (&self->engine, element, &words, &gst_cbam_settings_texts, accept, self);
  self->fifo = gst_cbam_fifo_new ();
}

void
gst_cbam_stream_clear (GstCbamStream *self)
{
  gst_cbam_fifo_free (self->fifo);
  gst_cbam_engine_clear (&self->engine);
  gst_cbam_stats_clear (&self->stats);
  gst_cbam_qos_clear (&self->qos);
  gst_cbam_settings_clear (&self->settings);
}
