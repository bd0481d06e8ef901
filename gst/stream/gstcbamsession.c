/* A model, a detector on it, and how long a frame takes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamsession.h"

#include "frame/gstcbamframe.h"
#include "frame/gstcbamvulkan.h"

#define GST_CAT_DEFAULT gst_cbam_debug
GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);

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

static gboolean
check_task (CbamModel *model, const char *task, GError **error)
{
  const CbamModelInfo *info = cbam_model_get_info (model);

  if (g_str_equal (info->task, task))
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "%s: expected a model that can %s, found one that can %s",
               info->origin, task, info->task);
  return FALSE;
}

/* What the trial of the model has found, if it is anything. */
static void
tell_of_clamped (GstCbamSession *session)
{
  const CbamModelInfo *info = cbam_model_get_info (session->model);

  if (info->clamped == NULL)
    return;
  session->told = TRUE;
  if (info->precision == CBAM_PRECISION_FP16)
    GST_WARNING ("%s: fp16 has no room for numbers of layer %s, which are clamped; precision=fp32 has", info->origin,
                 info->clamped);
  else
    GST_INFO ("%s: in fp32, since fp16 has no room for numbers of layer %s", info->origin, info->clamped);
}

void
gst_cbam_session_heed (GstCbamSession *session, const CbamResult *result)
{
  const char *clamped = cbam_result_get_clamped (result);

  if (clamped != NULL && g_atomic_int_compare_and_exchange (&session->told, FALSE, TRUE))
    GST_WARNING ("%s: fp16 had no room for numbers of layer %s, which were clamped; precision=fp32 has",
                 cbam_model_get_info (session->model)->origin, clamped);
}

GstCbamSession *
gst_cbam_session_new (CbamDevice *device, const char *path, CbamPrecision precision, const char *task, guint slots,
                      guint max_batch, GError **error)
{
  const gboolean usual = path == NULL || *path == '\0';
  const CbamModelConfig config = { .precision = precision, .max_batch = max_batch };
  g_autoptr (GstCbamSession) session = g_new0 (GstCbamSession, 1);

  g_atomic_ref_count_init (&session->refs);
  session->wanted = usual ? NULL : g_strdup (path);
  session->precision = precision;
  session->slots = slots;
  session->max_batch = MAX (max_batch, 1);
  session->device = cbam_device_ref (device);
  session->model = cbam_model_load (device, session->wanted, &config, error);
  if (session->model == NULL || !check_task (session->model, task, error))
    return NULL;
  tell_of_clamped (session);
  session->detector = cbam_detector_new (session->model, &(CbamDetectorConfig){ .slots = slots }, error);
  if (session->detector == NULL)
    return NULL;
  session->once = time_one_frame (session->detector, error);
  return session->once > 0 ? g_steal_pointer (&session) : NULL;
}

/* What is given to the device of a frame. */
typedef struct
{
  CbamOrientation orientation;
  gboolean stays;
  const CbamRegion *regions; /* NULL: what @params say */
  guint n;
  const CbamDetectParams *params;
} Wanted;

static gboolean
submit_image (GstCbamSession *session, const CbamImage *image, const Wanted *wanted, GError **error)
{
  if (wanted->regions == NULL)
    return cbam_detector_submit (session->detector, image, wanted->params, error);
  return cbam_detector_submit_regions (session->detector, image, wanted->regions, wanted->n, wanted->params, error);
}

static gboolean
submit_mapped (GstCbamSession *session, GstBuffer *buffer, const GstVideoInfo *info, const Wanted *wanted,
               GError **error)
{
  GstVideoFrame frame;
  CbamImage image;

  if (!gst_video_frame_map (&frame, info, buffer, GST_MAP_READ | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                 "A buffer of %" G_GSIZE_FORMAT " bytes cannot be read as a "
                 "frame of its caps, which take %" G_GSIZE_FORMAT ".",
                 gst_buffer_get_size (buffer), GST_VIDEO_INFO_SIZE (info));
    return FALSE;
  }

  gboolean submitted = FALSE;
  if (gst_cbam_frame_to_image (&frame, &image)) {
    /* The frame in memory may be larger than the caps say. */
    image.width = MIN (image.width, (guint) GST_VIDEO_INFO_WIDTH (info));
    image.height = MIN (image.height, (guint) GST_VIDEO_INFO_HEIGHT (info));
    image.orientation = wanted->orientation;
    image.lasting &= wanted->stays;
    submitted = submit_image (session, &image, wanted, error);
  } else
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "A frame has a negative stride.");
  gst_video_frame_unmap (&frame);
  return submitted;
}

gboolean
gst_cbam_session_submit (GstCbamSession *session, GstBuffer *buffer, const GstVideoInfo *info,
                         CbamOrientation orientation, const CbamDetectParams *params, gboolean stays, GError **error)
{
  const Wanted wanted = { .orientation = orientation, .stays = stays, .params = params };
  CbamImage image;

  if (!gst_cbam_vulkan_is_image (buffer))
    return submit_mapped (session, buffer, info, &wanted, error);
  gst_cbam_frame_describe (info, &image);
  image.orientation = orientation;
  return gst_cbam_vulkan_submit (session->detector, buffer, &image, params, error);
}

gboolean
gst_cbam_session_submit_regions (GstCbamSession *session, GstBuffer *buffer, const GstVideoInfo *info,
                                 CbamOrientation orientation, const CbamRegion *regions, guint n,
                                 const CbamDetectParams *params, GError **error)
{
  const Wanted wanted = { .orientation = orientation, .regions = regions, .n = n, .params = params };

  return submit_mapped (session, buffer, info, &wanted, error);
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
  cbam_detector_unref (session->detector);
  cbam_model_unref (session->model);
  cbam_device_unref (session->device);
  g_free (session->wanted);
  g_free (session);
}
