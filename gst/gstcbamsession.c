/* A model, a detector on it, and how long a frame takes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamsession.h"

/* Runs a small gray frame. Returns how long one takes on this device, or 0 with @error set. */
static GstClockTime
time_one_frame (CbamDetector *detector, GError **error)
{
  static const guint8 gray[16 * 16];
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 16, .height = 16, .planes = { gray } };

  if (!cbam_detector_submit (detector, &image, NULL, error))
    return 0;
  g_autoptr (CbamResult) result = cbam_detector_collect (detector, error);
  if (result == NULL)
    return 0;
  return MAX (1, cbam_result_get_seconds (result) * GST_SECOND);
}

GstCbamSession *
gst_cbam_session_new (CbamDevice *device, const char *path, guint slots, GError **error)
{
  const gboolean usual = path == NULL || *path == '\0';
  g_autoptr (GstCbamSession) session = g_new0 (GstCbamSession, 1);

  g_atomic_ref_count_init (&session->refs);
  session->wanted = usual ? NULL : g_strdup (path);
  session->device = cbam_device_ref (device);
  session->model = cbam_model_load (device, session->wanted, NULL, error);
  if (session->model == NULL)
    return NULL;
  session->detector = cbam_detector_new (session->model, &(CbamDetectorConfig){ .slots = slots }, error);
  if (session->detector == NULL)
    return NULL;
  session->once = time_one_frame (session->detector, error);
  return session->once > 0 ? g_steal_pointer (&session) : NULL;
}

GstCbamSession *
gst_cbam_session_ref (GstCbamSession *session)
{
  g_atomic_ref_count_inc (&session->refs);
  return session;
}

void
gst_cbam_session_unref (GstCbamSession *session)
{
  if (session == NULL || !g_atomic_ref_count_dec (&session->refs))
    return;
  cbam_detector_free (session->detector);
  cbam_model_unref (session->model);
  cbam_device_unref (session->device);
  g_free (session->wanted);
  g_free (session);
}
