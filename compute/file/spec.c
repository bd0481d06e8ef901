/* Reads what a model file's document says about its input and results, as models/README.md writes it down.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/spec.h"

#include <string.h>

#include "file/reader.h"

#define MAX_SIZE 8192       /* pixels, map cells, classes: beyond what any detector has */
#define MAX_ANCHORS 4000000 /* SSD512 has 24564; interval the memory a few numbers in a file can ask for */
#define MAX_COUNT 1000000   /* top_k, keep */
#define USUAL_TOP_K 5       /* a classifier's, as ImageNet's figures are given */

static const char *const channel_orders[] = { [CBAM_CHANNELS_RGB] = "rgb", [CBAM_CHANNELS_BGR] = "bgr", NULL };
static const char *const resizes[] = {
  [CBAM_RESIZE_STRETCH] = "stretch", [CBAM_RESIZE_LETTERBOX] = "letterbox", [CBAM_RESIZE_CROP] = "crop", NULL
};
static const char *const filters[] = {
  [CBAM_FILTER_NONE] = "none", [CBAM_FILTER_BILINEAR] = "bilinear", [CBAM_FILTER_BICUBIC] = "bicubic", NULL
};
static const char *const roundings[] = { [CBAM_ROUNDING_NONE] = "none", [CBAM_ROUNDING_U8] = "u8", NULL };
static const char *const clips[] = {
  [CBAM_CLIP_NONE] = "none", [CBAM_CLIP_CXCYWH] = "cxcywh", [CBAM_CLIP_WH] = "wh", [CBAM_CLIP_CORNER] = "corner", NULL
};
static const char *const scores[] = { [CBAM_SCORE_SOFTMAX] = "softmax", [CBAM_SCORE_SIGMOID] = "sigmoid", NULL };
static const char *const boxes[] = { "offsets", "distribution", NULL };
static const char *const profiles[] = {
  [CBAM_PROFILE_CAFFE] = "caffe",
  [CBAM_PROFILE_SSD_PYTORCH] = "ssd.pytorch",
  [CBAM_PROFILE_TORCHVISION] = "torchvision",
  [CBAM_PROFILE_LUFFICC] = "lufficc",
  [CBAM_PROFILE_RFBNET] = "rfbnet",
  [CBAM_PROFILE_QFGAOHAO] = "qfgaohao",
  NULL,
};

/* What each implementation filters with; the threshold is the one for display, evaluation sets its own. */
static const CbamDetectParams profile_params[] = {
  [CBAM_PROFILE_CAFFE] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 400, .max_detections = 200 },
  [CBAM_PROFILE_SSD_PYTORCH] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 200, .max_detections = 0 },
  [CBAM_PROFILE_TORCHVISION] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 400, .max_detections = 200 },
  [CBAM_PROFILE_LUFFICC] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 0, .max_detections = 100 },
  [CBAM_PROFILE_RFBNET] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 0, .max_detections = 200 },
  [CBAM_PROFILE_QFGAOHAO] = { .threshold = 0.5f, .nms_iou = 0.45f, .top_k = 200, .max_detections = 0 },
};

static const CbamInterval unit_interval = { 0, 1, FALSE };
static const CbamInterval positive_interval = { 0, MAX_SIZE, TRUE };
static const CbamInterval mean_interval = { -1000, 1000, FALSE };
static const CbamInterval ratio_interval = { 0, 100, TRUE };
static const CbamInterval fraction_interval = { 0, 1, TRUE };

static void
read_crop (const CbamItem *item, CbamInputSpec *input)
{
  const CbamItem crop = cbam_read_object (item, "crop", input->resize == CBAM_RESIZE_CROP);
  const CbamItem shorter = cbam_item_get (&crop, "shorter"), fraction = cbam_item_get (&crop, "fraction");

  if (crop.node == NULL)
    return;
  if (input->resize != CBAM_RESIZE_CROP)
    cbam_item_fail (&crop, "none where input.resize is not crop");
  else if ((shorter.node == NULL) == (fraction.node == NULL))
    cbam_item_fail (&crop, "either \"shorter\" or \"fraction\"");
  else if (fraction.node != NULL)
    input->fraction = cbam_item_to_double (fraction, &fraction_interval);
  else
    input->shorter = cbam_item_to_uint (shorter, MIN (input->width, input->height), MAX_SIZE);
}

void
cbam_input_spec_read (CbamInputSpec *input, const CbamItem *document)
{
  const CbamItem item = cbam_read_object (document, "input", TRUE);

  input->width = cbam_read_uint (&item, "width", 1, MAX_SIZE, CBAM_REQUIRED);
  input->height = cbam_read_uint (&item, "height", 1, MAX_SIZE, CBAM_REQUIRED);
  input->channels = cbam_read_word (&item, "channels", channel_orders, CBAM_REQUIRED);
  for (guint c = 0; c < 3; c++)
    input->scale[c] = 1;
  cbam_read_floats (&item, "mean", &mean_interval, input->mean, 3);
  cbam_read_floats (&item, "scale", &positive_interval, input->scale, 3);
  input->resize = cbam_read_word (&item, "resize", resizes, CBAM_RESIZE_STRETCH);
  read_crop (&item, input);
  input->filter = cbam_read_word (&item, "filter", filters, CBAM_FILTER_NONE);
  input->rounding = cbam_read_word (&item, "rounding", roundings, CBAM_ROUNDING_NONE);
}

/* ---- Anchors ---------------------------------------------------------------------------------------------------- */

/* A list with an entry for each level. */
static CbamItem
read_levels (const CbamItem *item, const char *key, const char *what, guint n, gboolean required)
{
  g_autofree char *each = g_strconcat (what, " (one per network.levels)", NULL);

  return cbam_read_list (item, key, each, n, n, required);
}

static gboolean
is_pair (const CbamItem *item)
{
  return JSON_NODE_HOLDS_ARRAY (item->node) && cbam_item_length (item) == 2;
}

static void
read_maps (const CbamItem *item, const CbamInputSpec *input, CbamAnchorSpec *anchors)
{
  const CbamItem maps = read_levels (item, "maps", "maps", anchors->n_levels, TRUE);

  for (guint l = 0; l < cbam_item_length (&maps); l++) {
    const CbamItem map = cbam_item_nth (&maps, l);

    if (!is_pair (&map)) {
      cbam_item_fail (&map, "[height, width]");
      return;
    }
    anchors->map_height[l] = cbam_item_to_uint (cbam_item_nth (&map, 0), 1, input->height);
    anchors->map_width[l] = cbam_item_to_uint (cbam_item_nth (&map, 1), 1, input->width);
  }
}

/* A step is one number of pixels for both axes, or [h, w]. */
static void
read_steps (const CbamItem *item, CbamAnchorSpec *anchors)
{
  const CbamItem steps = read_levels (item, "steps", "steps", anchors->n_levels, FALSE);

  for (guint l = 0; l < cbam_item_length (&steps); l++) {
    const CbamItem step = cbam_item_nth (&steps, l);
    CbamItem h = step, w = step; /* messages name the pair, not one of it */

    if (is_pair (&step)) {
      h.node = cbam_item_nth (&step, 0).node;
      w.node = cbam_item_nth (&step, 1).node;
    } else if (JSON_NODE_HOLDS_ARRAY (step.node)) {
      cbam_item_fail (&step, "a number or [height, width]");
      return;
    }
    anchors->step_y[l] = cbam_item_to_double (h, &positive_interval);
    anchors->step_x[l] = cbam_item_to_double (w, &positive_interval);
  }
}

static void
read_sizes (const CbamItem *item, CbamAnchorSpec *anchors)
{
  const CbamItem mins = read_levels (item, "min_sizes", "numbers", anchors->n_levels, TRUE);
  const CbamItem maxs = read_levels (item, "max_sizes", "numbers or nulls", anchors->n_levels, FALSE);

  for (guint l = 0; l < cbam_item_length (&mins); l++)
    anchors->min_size[l] = cbam_item_to_double (cbam_item_nth (&mins, l), &positive_interval);
  for (guint l = 0; l < cbam_item_length (&maxs); l++) {
    const CbamInterval above_min = { anchors->min_size[l], 2 * MAX_SIZE, TRUE };
    const CbamItem max = cbam_item_nth (&maxs, l);

    if (!JSON_NODE_HOLDS_NULL (max.node))
      anchors->max_size[l] = cbam_item_to_double (max, &above_min);
  }
}

static void
read_ratios (const CbamItem *item, CbamAnchorSpec *anchors)
{
  const CbamItem levels = read_levels (item, "aspect_ratios", "lists", anchors->n_levels, FALSE);

  for (guint l = 0; l < cbam_item_length (&levels); l++) {
    const CbamItem ratios = cbam_item_nth (&levels, l);

    if (!JSON_NODE_HOLDS_ARRAY (ratios.node) || cbam_item_length (&ratios) > CBAM_MAX_RATIOS) {
      cbam_item_fail (&ratios, "a list of 0 to %d numbers", CBAM_MAX_RATIOS);
      return;
    }
    anchors->n_ratios[l] = cbam_item_length (&ratios);
    for (guint r = 0; r < anchors->n_ratios[l]; r++)
      anchors->ratios[l][r] = cbam_item_to_double (cbam_item_nth (&ratios, r), &ratio_interval);
  }
}

static void
check_anchor_count (const CbamItem *item, const CbamAnchorSpec *anchors)
{
  const CbamItem maps = cbam_item_get (item, "maps");
  guint64 n = 0;

  for (guint l = 0; l < anchors->n_levels; l++)
    n += (guint64) anchors->map_width[l] * anchors->map_height[l] *
         (1 + (anchors->max_size[l] > 0) + 2 * anchors->n_ratios[l]);
  if (n > MAX_ANCHORS)
    cbam_item_fail (&maps, "maps for at most %d anchors (not %" G_GUINT64_FORMAT ")", MAX_ANCHORS, n);
}

void
cbam_anchor_spec_read (CbamAnchorSpec *anchors, const CbamItem *document, guint n_levels, const CbamInputSpec *input)
{
  const CbamItem item = cbam_read_object (document, "anchors", TRUE);
  const CbamItem maps = cbam_item_get (&item, "maps");

  anchors->tensor = cbam_read_string (&item, "tensor");
  if (anchors->tensor != NULL) {
    if (maps.node != NULL)
      cbam_item_fail (&maps, "no maps beside anchors.tensor");
    return;
  }
  if (cbam_item_lacks (&item, &maps))
    cbam_item_fail (&item, "\"tensor\" or \"maps\"");

  anchors->n_levels = n_levels;
  read_maps (&item, input, anchors);
  read_steps (&item, anchors);
  anchors->off_middle = cbam_read_double (&item, "offset", &unit_interval, 0.5) - 0.5;
  read_sizes (&item, anchors);
  read_ratios (&item, anchors);
  anchors->clip = cbam_read_word (&item, "clip", clips, CBAM_CLIP_NONE);
  check_anchor_count (&item, anchors);
}

void
cbam_anchor_spec_clear (CbamAnchorSpec *anchors)
{
  g_clear_pointer (&anchors->tensor, g_free);
}

/* ---- Results ---------------------------------------------------------------------------------------------------- */

/* How many bins a side of a box has; 0 where boxes are offsets. */
static guint
read_bins (const CbamItem *output)
{
  const CbamItem bins = cbam_item_get (output, "bins");

  if (cbam_read_word (output, "boxes", boxes, 0) > 0)
    return cbam_read_uint (output, "bins", 2, 32, 8);
  if (bins.node != NULL)
    cbam_item_fail (&bins, "none where output.boxes is not distribution");
  return 0;
}

void
cbam_output_spec_read (CbamOutputSpec *output, const CbamItem *document)
{
  static const float variances[4] = { 0.1f, 0.1f, 0.2f, 0.2f };
  const CbamItem item = cbam_read_object (document, "output", TRUE);
  const CbamItem classes = cbam_item_get (&item, "classes");
  guint n_reported = 0;

  output->classes = cbam_read_strings (&item, "classes", 1, MAX_SIZE, TRUE);
  output->n_classes = output->classes != NULL ? g_strv_length (output->classes) : 0;
  output->score = cbam_read_word (&item, "score", scores, CBAM_REQUIRED);
  output->bins = read_bins (&item);
  memcpy (output->variances, variances, sizeof variances);
  cbam_read_floats (&item, "variances", &positive_interval, output->variances, 4);

  for (guint c = 0; c < output->n_classes; c++)
    n_reported += cbam_output_spec_reports (output, c) ? 1 : 0;
  if (n_reported == 0)
    cbam_item_fail (&classes, "a class besides background");
}

void
cbam_output_spec_clear (CbamOutputSpec *output)
{
  g_clear_pointer (&output->classes, g_strfreev);
}

gboolean
cbam_output_spec_reports (const CbamOutputSpec *output, guint class_id)
{
  g_return_val_if_fail (class_id < output->n_classes, FALSE);

  if (class_id == 0 && g_str_equal (output->classes[0], "background"))
    return FALSE;
  return !g_str_equal (output->classes[class_id], "???");
}

void
cbam_nms_spec_read (CbamNmsSpec *nms, const CbamItem *document)
{
  const CbamItem item = cbam_read_object (document, "nms", FALSE);

  nms->profile = cbam_read_word (&item, "profile", profiles, CBAM_PROFILE_CAFFE);
  nms->params = profile_params[nms->profile];
  nms->params.threshold = (float) cbam_read_double (&item, "threshold", &unit_interval, nms->params.threshold);
  nms->params.nms_iou = (float) cbam_read_double (&item, "iou", &unit_interval, nms->params.nms_iou);
  nms->params.nms_across = (float) cbam_read_double (&item, "across", &unit_interval, 1);
  nms->params.top_k = cbam_read_uint (&item, "top_k", 0, MAX_COUNT, (int) nms->params.top_k);
  nms->params.max_detections = cbam_read_uint (&item, "keep", 0, MAX_COUNT, (int) nms->params.max_detections);
}

void
cbam_report_spec_read (CbamNmsSpec *report, const CbamItem *document)
{
  const CbamItem item = cbam_read_object (document, "output", TRUE);

  report->params.threshold = (float) cbam_read_double (&item, "threshold", &unit_interval, 0);
  report->params.nms_across = 1;
  report->params.max_detections = cbam_read_uint (&item, "top_k", 0, MAX_COUNT, USUAL_TOP_K);
}
