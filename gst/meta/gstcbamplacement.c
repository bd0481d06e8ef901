/* Where the places of a frame lie after an element has changed the frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamplacement.h"

static void
read_sizes (GstCbamPlacement *placement, const GstVideoInfo *in, const GstVideoInfo *out)
{
  *placement = (GstCbamPlacement){
    .moved = TRUE,
    .from = { GST_VIDEO_INFO_WIDTH (in), GST_VIDEO_INFO_HEIGHT (in) },
    .size = { GST_VIDEO_INFO_WIDTH (out), GST_VIDEO_INFO_HEIGHT (out) },
  };
}

static gboolean
read_scale (GstCbamPlacement *placement, const GstVideoMetaTransform *change)
{
  read_sizes (placement, change->in_info, change->out_info);
  for (guint i = 0; i < 2; i++)
    placement->scale[i] = placement->size[i] / MAX (placement->from[i], 1);
  return TRUE;
}

#if GST_CHECK_VERSION(1, 28, 0)
/* What is turned, mirrored or seen from the side would need other maps, and is left out. */
static gboolean
read_matrix (GstCbamPlacement *placement, const GstVideoMetaTransformMatrix *change)
{
  const double from[] = { change->in_rectangle.x, change->in_rectangle.y };
  const double to[] = { change->out_rectangle.x, change->out_rectangle.y };

  read_sizes (placement, change->in_info, change->out_info);
  placement->cut = TRUE;
  for (guint i = 0; i < 2; i++) {
    placement->scale[i] = change->matrix[i][i];
    placement->shift[i] = change->matrix[i][2] + to[i] - placement->scale[i] * from[i];
    if (!(change->matrix[i][i] > 0) || change->matrix[i][1 - i] != 0 || change->matrix[2][i] != 0)
      return FALSE;
  }
  return change->matrix[2][2] == 1;
}
#endif

gboolean
gst_cbam_placement_read (GstCbamPlacement *placement, GQuark type, gconstpointer data)
{
  *placement = (GstCbamPlacement){ 0 };
  if (GST_META_TRANSFORM_IS_COPY (type))
    return TRUE;
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type))
    return read_scale (placement, data);
#if GST_CHECK_VERSION(1, 28, 0)
  if (GST_VIDEO_META_TRANSFORM_IS_MATRIX (type))
    return read_matrix (placement, data);
#endif
  return FALSE;
}

/* The shape of a frame on the screen. FALSE: its caps do not say, or in numbers beyond measure. */
static gboolean
get_shape (const GstVideoInfo *info, int *n, int *d)
{
  const int par_n = GST_VIDEO_INFO_PAR_N (info), par_d = GST_VIDEO_INFO_PAR_D (info);

  return par_n > 0 && par_d > 0 && GST_VIDEO_INFO_HEIGHT (info) > 0 &&
         gst_util_fraction_multiply (GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), par_n, par_d, n, d);
}

/* In whole pixels, rounded as GStreamer's scalers do. */
void
gst_cbam_placement_keep_shape (GstCbamPlacement *placement, GQuark type, gconstpointer data)
{
  const GstVideoMetaTransform *change = data;
  int in_n, in_d, out_n, out_d, n, d;

  if (!GST_VIDEO_META_TRANSFORM_IS_SCALE (type) || !get_shape (change->in_info, &in_n, &in_d) ||
      !get_shape (change->out_info, &out_n, &out_d) || (in_n == out_n && in_d == out_d) ||
      !gst_util_fraction_multiply (in_n, in_d, GST_VIDEO_INFO_PAR_D (change->out_info),
                                   GST_VIDEO_INFO_PAR_N (change->out_info), &n, &d))
    return;

  const int width = GST_VIDEO_INFO_WIDTH (change->out_info), height = GST_VIDEO_INFO_HEIGHT (change->out_info);
  int inner[] = { width, (int) MIN (gst_util_uint64_scale_int (width, d, n), G_MAXINT) };
  if (inner[1] > height) {
    inner[0] = (int) gst_util_uint64_scale_int (height, n, d);
    inner[1] = height;
  }
  const int borders[] = { width - inner[0], height - inner[1] };
  for (guint i = 0; i < 2; i++) {
    placement->scale[i] = inner[i] / MAX (placement->from[i], 1);
    placement->shift[i] = borders[i] / 2;
  }
}

void
gst_cbam_placement_register (const char *name, GstCustomMetaTransformFunction transform)
{
  static const char *tags[] = { GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, GST_META_TAG_VIDEO_SIZE_STR,
                                NULL };
  static GMutex lock;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (gst_meta_get_info (name) == NULL)
    gst_meta_register_custom (name, tags, transform, NULL, NULL);
}
