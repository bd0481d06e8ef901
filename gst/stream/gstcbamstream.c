/* What the inlet and the outlet share: how it begins and ends, and the one error that both may meet.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamstream.h"

GST_DEBUG_CATEGORY (gst_cbam_debug);
#define GST_CAT_DEFAULT gst_cbam_debug

void
gst_cbam_stream_init (GstCbamStream *self, GstElement *element, GstPad *sink_pad, GstPad *src_pad)
{
  self->element = element;
  self->sink_pad = sink_pad;
  self->src_pad = src_pad;
  gst_cbam_settings_init (&self->settings);
  g_mutex_init (&self->latency.lock);
  gst_cbam_qos_init (&self->qos);
  gst_cbam_stats_init (&self->stats);
  gst_cbam_switch_init (&self->sessions, element, &self->settings, &self->latency);
  self->fifo = gst_cbam_fifo_new ();
}

void
gst_cbam_stream_clear (GstCbamStream *self)
{
  gst_cbam_fifo_free (self->fifo);
  gst_cbam_switch_clear (&self->sessions);
  gst_cbam_stats_clear (&self->stats);
  gst_cbam_qos_clear (&self->qos);
  g_mutex_clear (&self->latency.lock);
  gst_cbam_settings_clear (&self->settings);
}

gboolean
gst_cbam_stream_is_first_error (GstCbamStream *self)
{
  return g_atomic_int_compare_and_exchange (&self->error_posted, FALSE, TRUE);
}

void
gst_cbam_stream_post_error (GstCbamStream *self, const GError *error)
{
  if (!gst_cbam_stream_is_first_error (self))
    return;
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE))
    GST_ELEMENT_ERROR (self->element, STREAM, FORMAT, ("%s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self->element, RESOURCE, FAILED, ("Detection has stopped: %s", error->message),
                       ("A device that was lost or hangs is opened anew when the element goes through READY."));
}
