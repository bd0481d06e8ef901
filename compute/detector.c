/* CbamDetector: frames in, detections out. Start reading here.
 *
 *     submit    free slot <- pixels + parameter block, its command buffer goes to the queue
 *     collect   wait for the oldest slot -> candidates -> sort, NMS -> boxes in pixels of the frame, clipped to it
 *
 * Slots form a ring: the submitting thread moves the head, the collecting thread the tail; the lock guards only how
 * many are in flight.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/detector.h>

#include <string.h>

#include "base/given.h"
#include "detect/image.h"
#include "detect/nms.h"
#include "detect/orientation.h"
#include "detect/thin.h"
#include "explain.h"
#include "model.h"
#include "result.h"

#define DEFAULT_SLOTS 2
#define MAX_SLOTS 64

/* A slot, and what collect must know about the frame in it. */
typedef struct
{
  CbamSlot *slot;
  CbamTicket ticket;
  CbamDetectParams params;   /* nothing in it is the model's own any more */
  guint x, y, width, height; /* of the part that is looked at */
  CbamOrientation orientation;
  gint64 submitted; /* g_get_monotonic_time() */
  CbamGradCam *cam; /* NULL until somebody asks */
} Flight;

struct _CbamDetector
{
  gatomicrefcount refs;
  CbamModel *model;
  Flight *flights;
  guint n_slots;
  CbamShare share;
  gboolean warming; /* a frame says nothing of how long others will take */
  guint head;       /* next to submit; the submitting thread's, as is */
  GArray *regions;  /* VkBufferImageCopy of a frame in images */
  guint tail;       /* next to collect; the collecting thread's */
  guint in_flight;
  GMutex lock; /* guards in_flight */

  /* The collecting thread's, kept from frame to frame. */
  GArray *candidates; /* CbamCandidate */
  GByteArray *scratch;
};

G_STATIC_ASSERT (sizeof ((CbamDetectParams *) NULL)->classes * 8 == CBAM_MAX_CLASSES);

/* ---- Submit ----------------------------------------------------------------------------------------------------- */

/* Lets the device read the caller's memory; *@placement is how it lies there then. FALSE: it cannot, which is no error.
 */
static gboolean
read_in_place (CbamDetector *detector, CbamSlot *slot, const CbamImage *image, gsize limit, CbamPlacement *placement)
{
  const gsize alignment = cbam_device_get_host_alignment (cbam_model_get_device (detector->model));
  CbamPlacement there;
  const guint8 *start;

  if (!image->lasting || alignment == 0 || !cbam_image_get_in_place (image, alignment, &start, &there) ||
      there.size > limit || !cbam_slot_import_pixels (slot, start, there.size, NULL))
    return FALSE;
  *placement = there;
  return TRUE;
}

static gboolean
copy_pixels (CbamSlot *slot, const CbamImage *image, const CbamPlacement *placement, GError **error)
{
  guint8 *pixels = cbam_slot_reserve_pixels (slot, placement->size, error);

  if (!pixels)
    return FALSE;
  cbam_image_pack (image, pixels);
  return TRUE;
}

/* With @thinned only what that leaves in. */
static gboolean
copy_images (CbamDetector *detector, const Flight *flight, const CbamVulkanFrame *source, const CbamImage *part,
             const CbamPlacement *placement, const CbamFrameArgs *thinned, GError **error)
{
  CbamImageCopy copies[3];
  const guint n =
      cbam_image_get_copies (source, part, flight->x, flight->y, placement, thinned, copies, detector->regions, error);

  return n > 0 && cbam_slot_copy_images (flight->slot, copies, n, detector->regions, placement->size, error);
}

/* A frame that the device can bind. @source: where the pixels are, or NULL when @part says so itself. */
static gboolean
take_whole (CbamDetector *detector, const Flight *flight, const CbamVulkanFrame *source, const CbamImage *part,
            CbamPlacement *placement, gsize limit, GError **error)
{
  const CbamSpec *spec = detector->model->spec;
  const gboolean taken = source ? copy_images (detector, flight, source, part, placement, NULL, error)
                                : read_in_place (detector, flight->slot, part, limit, placement) ||
                                      copy_pixels (flight->slot, part, placement, error);

  if (taken)
    cbam_frame_fill (cbam_slot_get_frame (flight->slot), part, placement, &spec->input, &spec->output, &flight->params);
  return taken;
}

/* A larger one. */
static gboolean
take_thinned (CbamDetector *detector, const Flight *flight, const CbamVulkanFrame *source, const CbamImage *part,
              CbamPlacement *placement, gsize limit, GError **error)
{
  const CbamSpec *spec = detector->model->spec;
  const CbamInputSpec *input = &spec->input;
  CbamFrameArgs *frame = cbam_slot_get_frame (flight->slot);
  gboolean fits;

  cbam_frame_fill (frame, part, placement, input, &spec->output, &flight->params);
  if (source) {
    fits = cbam_image_thin (part, input, limit, frame, placement);
  } else {
    cbam_thin_fill (frame, input, CBAM_THIN_ROWS | CBAM_THIN_COLUMNS);
    placement->size = cbam_thin_place (frame);
    fits = placement->size <= limit;
  }
  if (!fits) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "of a frame of %ux%u pixels, %ux%u of them sampled, %" G_GSIZE_FORMAT
                 " bytes are needed; %s binds at most %" G_GSIZE_FORMAT,
                 part->width, part->height, input->width, input->height, placement->size,
                 cbam_device_get_info (cbam_model_get_device (detector->model))->name, limit);
    return FALSE;
  }
  if (source)
    return copy_images (detector, flight, source, part, placement, frame, error);
  guint8 *pixels = cbam_slot_reserve_pixels (flight->slot, placement->size, error);
  if (pixels)
    cbam_thin_pack (part, frame, pixels);
  return pixels != NULL;
}

static gboolean
start (CbamDetector *detector, Flight *flight, const CbamVulkanFrame *source, const CbamImage *part, GError **error)
{
  const gsize limit = cbam_program_get_pixels_limit (detector->model->program);
  CbamPlacement placement = cbam_image_get_packed (part);
  const gboolean thin = placement.size > limit;

  if (thin ? !take_thinned (detector, flight, source, part, &placement, limit, error)
           : !take_whole (detector, flight, source, part, &placement, limit, error))
    return FALSE;
  cbam_slot_set_thin (flight->slot, thin);
  cbam_slot_keep_levels (flight->slot, flight->params.grad_cam > 0);
  return cbam_slot_submit (flight->slot, error);
}

guint
cbam_detector_get_free_slots (CbamDetector *detector)
{
  guint n;

  g_return_val_if_fail (detector != NULL, 0);
  g_mutex_lock (&detector->lock);
  n = detector->n_slots - detector->in_flight;
  g_mutex_unlock (&detector->lock);
  return n;
}

void
cbam_detector_miss (CbamDetector *detector)
{
  CbamTicket ticket = { .turn = CBAM_TURN_FAIR };

  g_return_if_fail (detector != NULL);
  ticket.share = &detector->share;
  cbam_turns_miss (detector->model->device->turns, &ticket, g_get_monotonic_time ());
}

/* A number of the frame's where one is given, else the model's: what is less than 0 stands for 0. */
static float
choose (float given, float own)
{
  return given != 0 ? MAX (given, 0) : own;
}

/* The same for limits, of which CBAM_ALL stands for 0, none. */
static guint
choose_limit (guint given, guint own)
{
  if (given == CBAM_ALL)
    return 0;
  return given != 0 ? given : own;
}

/* What the frame leaves to the model, filled in; from here on 0 is 0, and no limit. */
static gboolean
take_params (const CbamDetectParams *given, const CbamDetectParams *own, CbamDetectParams *ret_params, GError **error)
{
  if (!cbam_take_given ("CbamDetectParams", given, given ? given->size : 0, ret_params, sizeof *ret_params, error))
    return FALSE;
  ret_params->threshold = choose (ret_params->threshold, own->threshold);
  ret_params->nms_iou = choose (ret_params->nms_iou, own->nms_iou);
  ret_params->top_k = choose_limit (ret_params->top_k, own->top_k);
  ret_params->max_detections = choose_limit (ret_params->max_detections, own->max_detections);
  return TRUE;
}

static gboolean
submit (CbamDetector *detector, const CbamVulkanFrame *source, const CbamImage *image, const CbamDetectParams *given,
        GError **error)
{
  CbamDetectParams params;
  CbamImage part;
  Flight *flight;
  guint x, y;

  if (!take_params (given, &detector->model->spec->nms.params, &params, error) ||
      !cbam_image_crop (image, &params.region, &part, &x, &y, error))
    return FALSE;
  if (cbam_detector_get_free_slots (detector) == 0) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BUSY, "all %u slots are in flight", detector->n_slots);
    return FALSE;
  }
  if (!cbam_device_check_alive (detector->model->device, error))
    return FALSE;
  flight = &detector->flights[detector->head];
  flight->params = params;
  flight->x = x;
  flight->y = y;
  flight->width = part.width;
  flight->height = part.height;
  flight->orientation = part.orientation;
  flight->submitted = g_get_monotonic_time ();
  flight->ticket.turn = params.turn;
  flight->ticket.seconds = detector->warming ? NULL : &detector->model->seconds;
  /* Now, before pixels are copied for nothing, and again when it is entered. */
  if (!cbam_turns_ask (detector->model->device->turns, &flight->ticket, flight->submitted)) {
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_BUSY, "it is other streams' turn");
    return FALSE;
  }
  if (!start (detector, flight, source, &part, error))
    return FALSE;
  detector->head = (detector->head + 1) % detector->n_slots;
  g_mutex_lock (&detector->lock);
  detector->in_flight++;
  g_mutex_unlock (&detector->lock);
  return TRUE;
}

gboolean
cbam_detector_submit (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params, GError **error)
{
  CbamImage own;

  g_return_val_if_fail (detector != NULL && image != NULL, FALSE);
  return cbam_take_given ("CbamImage", image, image->size, &own, sizeof own, error) &&
         cbam_image_take_bytes (&own, error) && cbam_image_check (&own, error) &&
         submit (detector, NULL, &own, params, error);
}

gboolean
cbam_detector_submit_vulkan (CbamDetector *detector, const CbamVulkanFrame *frame, const CbamDetectParams *params,
                             GError **error)
{
  CbamImage image;

  g_return_val_if_fail (detector != NULL && frame != NULL, FALSE);
  image = frame->image;
  memset (image.planes, 0, sizeof image.planes);
  memset (image.strides, 0, sizeof image.strides);
  return cbam_image_check_form (&image, error) && submit (detector, frame, &image, params, error);
}

/* ---- Collect ---------------------------------------------------------------------------------------------------- */

static void
read_candidates (CbamDetector *detector, const Flight *flight)
{
  const float (*boxes)[4] = cbam_slot_get_boxes (flight->slot);
  const guint n_classes = detector->model->spec->output.n_classes;
  const CbamHit *hits;
  guint32 n;

  hits = cbam_slot_get_hits (flight->slot, &n);
  g_array_set_size (detector->candidates, n);
  for (guint32 i = 0; i < n; i++) {
    const guint32 prior = hits[i].prior_class / n_classes;

    g_array_index (detector->candidates, CbamCandidate, i) = (CbamCandidate){
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

static gboolean
is_wanted (const CbamDetectParams *params, guint class_id)
{
  return (params->classes[class_id / 32] >> (class_id % 32) & 1) != 0;
}

/* Takes out the classes that were not asked for, then what is too much. Returns how many are left. */
static gsize
keep_wanted (const CbamDetectParams *params, CbamCandidate *candidates, gsize n, gsize *ret_n_unwanted)
{
  gsize kept = 0;

  *ret_n_unwanted = 0;
  for (gsize i = 0; i < n && (params->max_detections == 0 || kept < params->max_detections); i++) {
    if (is_wanted (params, candidates[i].class_id))
      candidates[kept++] = candidates[i];
    else
      ++*ret_n_unwanted;
  }
  return kept;
}

/* Suppression leaves @candidates by falling score. Returns how many. */
static gsize
suppress (CbamDetector *detector, const CbamDetectParams *params, CbamCandidate *candidates, gsize n,
          gsize *ret_n_unwanted)
{
  static const guint32 all_classes[G_N_ELEMENTS (params->classes)];
  const CbamSpec *spec = detector->model->spec;
  const CbamNmsProfile profile = params->overlap == CBAM_OVERLAP_FRACTIONS ? CBAM_PROFILE_CAFFE : spec->nms.profile;
  const gboolean selects = memcmp (params->classes, all_classes, sizeof all_classes) != 0;
  CbamDetectParams nms = *params;

  if (selects)
    nms.max_detections = 0; /* of those asked for */
  *ret_n_unwanted = 0;
  n = cbam_nms (candidates, n, &nms, profile, spec->input.width, spec->input.height, detector->scratch);
  return selects ? keep_wanted (params, candidates, n, ret_n_unwanted) : n;
}

/* From fractions of the input to pixels of the frame as it is stored, clipped. FALSE when nothing of the box is in the
 * picture. */
static gboolean
place_box (const CbamCandidate *candidate, const Flight *flight, const CbamFrameArgs *frame, const CbamInputSpec *input,
           CbamDetection *ret_detection)
{
  CbamBounds box = { candidate->x0 * input->width * frame->scale_x + frame->shift_x,
                     candidate->y0 * input->height * frame->scale_y + frame->shift_y,
                     candidate->x1 * input->width * frame->scale_x + frame->shift_x,
                     candidate->y1 * input->height * frame->scale_y + frame->shift_y };
  const float width = (float) flight->width, height = (float) flight->height;

  cbam_orientation_turn_bounds (flight->orientation, width, height, &box);
  const float left = CLAMP (box.x0, 0, width), right = CLAMP (box.x1, 0, width);
  const float top = CLAMP (box.y0, 0, height), bottom = CLAMP (box.y1, 0, height);

  ret_detection->x = left + (float) flight->x;
  ret_detection->y = top + (float) flight->y;
  ret_detection->width = right - left;
  ret_detection->height = bottom - top;
  return right > left && bottom > top;
}

/* @ret_priors: the anchors of the detections, the caller's to free. */
static CbamResult *
make_result (CbamDetector *detector, const Flight *flight, guint32 **ret_priors)
{
  const CbamSpec *spec = detector->model->spec;
  const CbamFrameArgs *frame = cbam_slot_get_frame (flight->slot);
  CbamCandidate *candidates;
  CbamResult *result;
  gsize n, n_unwanted;

  read_candidates (detector, flight);
  candidates = (CbamCandidate *) detector->candidates->data;
  n = suppress (detector, &flight->params, candidates, detector->candidates->len, &n_unwanted);
  result = cbam_result_new (detector->model, n);
  result->n_unwanted = n_unwanted;
  result->best_score = cbam_slot_get_best_score (flight->slot);
  *ret_priors = g_new (guint32, n);
  for (gsize i = 0; i < n; i++) {
    CbamDetection *detection = &result->detections[result->n_detections];

    if (!place_box (&candidates[i], flight, frame, &spec->input, detection))
      continue;
    detection->class_id = candidates[i].class_id;
    detection->label = spec->output.classes[detection->class_id];
    detection->score = candidates[i].score;
    (*ret_priors)[result->n_detections++] = candidates[i].prior;
  }
  result->seconds = (double) (g_get_monotonic_time () - flight->submitted) * 1e-6;
  return result;
}

static void
add_op_times (CbamDetector *detector, const Flight *flight, CbamResult *result)
{
  const double *seconds = cbam_slot_get_seconds (flight->slot);

  if (!seconds)
    return;
  result->n_op_times = cbam_program_get_plan (detector->model->program)->n_steps;
  result->op_times = g_memdup2 (detector->model->op_times, result->n_op_times * sizeof (CbamOpTime));
  for (gsize i = 0; i < result->n_op_times; i++)
    result->op_times[i].seconds = seconds[i];
}

/* From over the upright picture of the part that was looked at to over the frame as it is stored. */
static void
place_map (const Flight *flight, CbamMap *map)
{
  cbam_orientation_turn_map (flight->orientation, (float) flight->width, (float) flight->height, map);
  map->x += (float) flight->x;
  map->y += (float) flight->y;
}

static void
place_maps (const Flight *flight, CbamResult *result)
{
  for (gsize i = 0; i < result->n_attention; i++)
    place_map (flight, &result->spatial[i]);
  for (gsize i = 0; i < result->n_grad_cam; i++)
    place_map (flight, &result->grad_cam[i]);
}

/* What the network looked at, if asked. */
static gboolean
explain (CbamDetector *detector, Flight *flight, CbamResult *result, const guint32 *priors, GError **error)
{
  const CbamFrameArgs *frame = cbam_slot_get_frame (flight->slot);

  if (flight->params.attention)
    cbam_explain_attention (detector->model, flight->slot, frame, result);
  if (flight->params.grad_cam == 0 || result->n_detections == 0)
    return TRUE;
  if (!flight->cam)
    flight->cam = cbam_grad_cam_new (detector->model->program, flight->slot,
                                     detector->model->spec->output.score == CBAM_SCORE_SOFTMAX, error);
  return flight->cam &&
         cbam_explain_detections (detector->model, flight->cam, frame, priors, flight->params.grad_cam, result, error);
}

CbamResult *
cbam_detector_collect (CbamDetector *detector, GError **error)
{
  g_autofree guint32 *priors = NULL;
  CbamResult *result = NULL;
  Flight *flight;

  g_return_val_if_fail (detector != NULL, NULL);
  if (cbam_detector_get_free_slots (detector) == detector->n_slots) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY, "no frame is in flight");
    return NULL;
  }
  flight = &detector->flights[detector->tail];
  if (cbam_slot_wait (flight->slot, error)) {
    result = make_result (detector, flight, &priors);
    add_op_times (detector, flight, result);
    if (explain (detector, flight, result, priors, error))
      place_maps (flight, result);
    else
      g_clear_pointer (&result, cbam_result_unref);
  }
  detector->tail = (detector->tail + 1) % detector->n_slots;
  g_mutex_lock (&detector->lock);
  detector->in_flight--;
  g_mutex_unlock (&detector->lock);
  return result;
}

CbamResult *
cbam_detector_detect (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params, GError **error)
{
  return cbam_detector_submit (detector, image, params, error) ? cbam_detector_collect (detector, error) : NULL;
}

/* ---- Life ------------------------------------------------------------------------------------------------------- */

/* One frame of nothing, for drivers that compile at the first dispatch, as lavapipe does; once for a model. */
static gboolean
warm_up (CbamDetector *detector, GError **error)
{
  const guint8 black[4] = { 0 };
  const CbamImage image = { .format = CBAM_FORMAT_GRAY8, .width = 1, .height = 1, .planes = { black } };
  g_autoptr (CbamResult) result = NULL;

  if (g_atomic_int_get (&detector->model->warm))
    return TRUE;
  detector->warming = TRUE;
  if (cbam_detector_submit (detector, &image, NULL, error))
    result = cbam_detector_collect (detector, error);
  detector->warming = FALSE;
  if (result)
    g_atomic_int_set (&detector->model->warm, TRUE);
  return result != NULL;
}

static CbamDetector *
detector_new (CbamModel *model, const CbamDetectorConfig *config, gboolean profile, GError **error)
{
  g_autoptr (CbamDetector) detector = g_new0 (CbamDetector, 1);
  CbamDetectorConfig own;
  guint n_slots;

  g_return_val_if_fail (model != NULL, NULL);
  g_atomic_ref_count_init (&detector->refs);
  g_mutex_init (&detector->lock);
  if (!cbam_take_given ("CbamDetectorConfig", config, config ? config->size : 0, &own, sizeof own, error))
    return NULL;
  n_slots = own.slots > 0 ? own.slots : DEFAULT_SLOTS;
  g_return_val_if_fail (n_slots <= MAX_SLOTS, NULL);
  detector->model = cbam_model_ref (model);
  detector->n_slots = n_slots;
  detector->flights = g_new0 (Flight, n_slots);
  detector->share = (CbamShare){ .cost = 2.0 * (double) model->info->macs / n_slots, .slots = n_slots };
  cbam_turns_join (model->device->turns, &detector->share);
  detector->candidates = g_array_new (FALSE, FALSE, sizeof (CbamCandidate));
  detector->scratch = g_byte_array_new ();
  detector->regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  for (guint i = 0; i < n_slots; i++) {
    detector->flights[i].slot = cbam_slot_new (model->program, profile, error);
    if (!detector->flights[i].slot)
      return NULL;
    detector->flights[i].ticket.share = &detector->share;
    cbam_slot_set_ticket (detector->flights[i].slot, &detector->flights[i].ticket);
  }
  if (!warm_up (detector, error))
    return NULL;
  return g_steal_pointer (&detector);
}

CbamDetector *
cbam_detector_new (CbamModel *model, const CbamDetectorConfig *config, GError **error)
{
  return detector_new (model, config, FALSE, error);
}

CbamDetector *
cbam_detector_new_profiled (CbamModel *model, const CbamDetectorConfig *config, GError **error)
{
  return detector_new (model, config, TRUE, error);
}

CbamDetector *
cbam_detector_ref (CbamDetector *detector)
{
  g_return_val_if_fail (detector != NULL, NULL);
  g_atomic_ref_count_inc (&detector->refs);
  return detector;
}

void
cbam_detector_unref (CbamDetector *detector)
{
  if (!detector || !g_atomic_ref_count_dec (&detector->refs))
    return;
  for (guint i = 0; detector->flights && i < detector->n_slots; i++) {
    cbam_grad_cam_free (detector->flights[i].cam);
    cbam_slot_free (detector->flights[i].slot);
  }
  g_clear_pointer (&detector->candidates, g_array_unref);
  g_clear_pointer (&detector->scratch, g_byte_array_unref);
  g_clear_pointer (&detector->regions, g_array_unref);
  if (detector->model)
    cbam_turns_leave (detector->model->device->turns, &detector->share);
  cbam_model_unref (detector->model);
  g_mutex_clear (&detector->lock);
  g_free (detector->flights);
  g_free (detector);
}
