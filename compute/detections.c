/* Finds a detector's frame's objects in what the device has left: candidates -> sort, NMS -> boxes in pixels of the
 * frame, clipped to it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detections.h"

#include "detect/nms.h"
#include "explain.h"
#include "result.h"

struct _CbamDetections
{
  GArray *candidates; /* CbamCandidate */
  GByteArray *scratch;
};

/* The counts first: they say how much else there is. */
static gboolean
fetch_candidates (const CbamLevels *levels, const CbamFlight *flight, GError **error)
{
  const guint8 *block = cbam_slot_get (flight->slot, levels->block);
  const gsize before = flight->image * levels->results, hits = levels->hits + before, boxes = levels->boxes + before;
  guint32 n;

  if (!cbam_slot_fetch (flight->slot, levels->block, hits, CBAM_LEVELS_HEADER, error))
    return FALSE;
  cbam_levels_get_hits (levels, block, flight->image, &n);
  return cbam_slot_fetch (flight->slot, levels->block, hits, CBAM_LEVELS_HEADER + n * sizeof (CbamHit), error) &&
         cbam_slot_fetch (flight->slot, levels->block, boxes, levels->anchors->len * 4 * sizeof (float), error);
}

static void
read_candidates (CbamDetections *detections, const CbamLevels *levels, const guint8 *block, guint image)
{
  const float (*boxes)[4] = cbam_levels_get_boxes (levels, block, image);
  const guint n_classes = levels->n_classes;
  const CbamHit *hits;
  guint32 n;

  hits = cbam_levels_get_hits (levels, block, image, &n);
  g_array_set_size (detections->candidates, n);
  for (guint32 i = 0; i < n; i++) {
    const guint32 prior = hits[i].prior_class / n_classes;

    g_array_index (detections->candidates, CbamCandidate, i) = (CbamCandidate){
      .score = hits[i].score,
      .prior = prior,
      .class_id = hits[i].prior_class % n_classes,
      .x0 = boxes[prior][0],
      .y0 = boxes[prior][1],
      .x1 = boxes[prior][2],
      .y1 = boxes[prior][3],
    };
  }
}

/* Takes out the classes that were not asked for, then what is too much. Returns how many are left. */
static gsize
keep_wanted (const CbamFlight *flight, CbamCandidate *candidates, gsize n, gsize *ret_n_unwanted)
{
  const guint most = flight->params.max_detections;
  gsize kept = 0;

  *ret_n_unwanted = 0;
  for (gsize i = 0; i < n && (most == 0 || kept < most); i++) {
    if (cbam_flight_wants (flight, candidates[i].class_id))
      candidates[kept++] = candidates[i];
    else
      ++*ret_n_unwanted;
  }
  return kept;
}

/* Suppression leaves @candidates by falling score. Returns how many. */
static gsize
suppress (CbamDetections *detections, const CbamSpec *spec, const CbamFlight *flight, gsize *ret_n_unwanted)
{
  const CbamDetectParams *params = &flight->params;
  CbamCandidate *candidates = (CbamCandidate *) detections->candidates->data;
  const CbamNmsProfile profile = params->overlap == CBAM_OVERLAP_FRACTIONS ? CBAM_PROFILE_CAFFE : spec->nms.profile;
  const gboolean selects = cbam_flight_selects (flight);
  CbamDetectParams nms = *params;

  if (selects)
    nms.max_detections = 0; /* of those asked for */
  *ret_n_unwanted = 0;
  const gsize n = cbam_nms (candidates, detections->candidates->len, &nms, profile, spec->input.width,
                            spec->input.height, detections->scratch);
  return selects ? keep_wanted (flight, candidates, n, ret_n_unwanted) : n;
}

/* From fractions of the input to pixels of the frame as it is stored, clipped. FALSE when nothing of the box is in the
 * picture. */
static gboolean
place_box (const CbamCandidate *candidate, const CbamFlight *flight, const CbamFrameArgs *frame,
           const CbamInputSpec *input, CbamDetection *ret_detection)
{
  CbamBounds box = { candidate->x0 * input->width * frame->scale_x + frame->shift_x,
                     candidate->y0 * input->height * frame->scale_y + frame->shift_y,
                     candidate->x1 * input->width * frame->scale_x + frame->shift_x,
                     candidate->y1 * input->height * frame->scale_y + frame->shift_y };
  const CbamPart *part = cbam_flight_get_part (flight);
  const float width = (float) part->width, height = (float) part->height;

  cbam_orientation_turn_bounds (flight->orientation, width, height, &box);
  const float left = CLAMP (box.x0, 0, width), right = CLAMP (box.x1, 0, width);
  const float top = CLAMP (box.y0, 0, height), bottom = CLAMP (box.y1, 0, height);

  ret_detection->x = left + (float) part->x;
  ret_detection->y = top + (float) part->y;
  ret_detection->width = right - left;
  ret_detection->height = bottom - top;
  return right > left && bottom > top;
}

/* @ret_priors: the anchors of the detections, the caller's to free. */
static CbamResult *
make_result (CbamDetections *detections, CbamModel *model, const CbamFlight *flight, guint32 **ret_priors)
{
  const CbamSpec *spec = model->spec;
  const CbamLevels *levels = cbam_levels_of (model->program->plan->graph);
  const guint8 *block = cbam_slot_get (flight->slot, levels->block);
  const CbamFrameArgs *frame = (const CbamFrameArgs *) block + flight->image;
  CbamResult *result;
  gsize n, n_unwanted;

  read_candidates (detections, levels, block, flight->image);
  n = suppress (detections, spec, flight, &n_unwanted);
  result = cbam_result_new (model, n);
  result->n_unwanted = n_unwanted;
  result->best_score = cbam_levels_get_best_score (levels, block, flight->image);
  *ret_priors = g_new (guint32, n);
  for (gsize i = 0; i < n; i++) {
    const CbamCandidate *candidate = &g_array_index (detections->candidates, CbamCandidate, i);
    CbamDetection *detection = &result->detections[result->n_detections];

    if (!place_box (candidate, flight, frame, &spec->input, detection))
      continue;
    detection->class_id = candidate->class_id;
    detection->label = spec->output.classes[detection->class_id];
    detection->score = candidate->score;
    (*ret_priors)[result->n_detections++] = candidate->prior;
  }
  result->seconds = (double) (g_get_monotonic_time () - flight->submitted) * 1e-6;
  return result;
}

CbamResult *
cbam_detections_read (CbamDetections *detections, CbamModel *model, CbamFlight *flight, GError **error)
{
  g_autofree guint32 *priors = NULL;
  g_autoptr (CbamResult) result = NULL;

  if (!fetch_candidates (cbam_levels_of (model->program->plan->graph), flight, error))
    return NULL;
  result = make_result (detections, model, flight, &priors);
  if (flight->params.attention)
    cbam_explain_attention (model, flight, result);
  if (!cbam_explain_detections (model, flight, priors, result, error))
    return NULL;
  return g_steal_pointer (&result);
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

CbamDetections *
cbam_detections_new (void)
{
  CbamDetections *detections = g_new0 (CbamDetections, 1);

  detections->candidates = g_array_new (FALSE, FALSE, sizeof (CbamCandidate));
  detections->scratch = g_byte_array_new ();
  return detections;
}

void
cbam_detections_free (CbamDetections *detections)
{
  if (detections == NULL)
    return;
  g_array_unref (detections->candidates);
  g_byte_array_unref (detections->scratch);
  g_free (detections);
}
