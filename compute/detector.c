/* CbamDetector: frames in, results out. Start reading here.
 *
 *     submit    free slot <- pixels + parameter block, its command buffer goes to the queue
 *     collect   wait for the oldest slot -> a detector's objects (detections.c), or a classifier's classes (classes.c)
 *
 * Slots form a ring: the submitting thread moves the head, the collecting thread the tail; the lock guards only how
 * many are in flight.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/detector.h>

#include <string.h>

#include "base/given.h"
#include "classes.h"
#include "detect/image.h"
#include "detect/thin.h"
#include "detections.h"
#include "result.h"

#define DEFAULT_SLOTS 2
#define MAX_SLOTS 64
#define MOST_COVERED 32 /* pixels of a frame's row, by those of the input's */

struct _CbamDetector
{
  gatomicrefcount refs;
  CbamModel *model;
  const CbamLevels *levels;
  CbamFlight *flights;
  guint n_slots;
  CbamShare share;
  gboolean warming; /* a frame says nothing of how long others will take */
  guint head;       /* next to submit; the submitting thread's, as is */
  GArray *regions;  /* VkBufferImageCopy of a frame in images */
  guint tail;       /* next to collect; the collecting thread's */
  guint in_flight;
  GMutex lock;                /* guards in_flight */
  CbamDetections *detections; /* the collecting thread's */
};

G_STATIC_ASSERT (sizeof ((CbamDetectParams *) NULL)->classes * 8 == CBAM_MAX_CLASSES);

/* ---- Submit ----------------------------------------------------------------------------------------------------- */

/* A frame on its way into a slot. */
typedef struct
{
  CbamDetector *detector;
  CbamFlight *flight;
  const CbamVulkanPlane *source; /* three, where the pixels are, or NULL when @part says so itself */
  const CbamImage *part;         /* of the frame that is looked at */
  CbamFrameArgs *args;
  CbamPlacement placement;
} Entry;

static void
pack (gpointer data, guint8 *pixels)
{
  const Entry *entry = data;

  cbam_image_pack (entry->part, pixels);
}

static void
pack_thinned (gpointer data, guint8 *pixels)
{
  const Entry *entry = data;

  cbam_thin_pack (entry->part, entry->args, pixels);
}

static void
fill (const Entry *entry)
{
  const CbamSpec *spec = entry->detector->model->spec;

  cbam_frame_fill (entry->args, entry->part, &entry->placement, &spec->input, &spec->output, &entry->flight->params);
}

static gboolean
send (Entry *entry, CbamSlotInput input, GError **error)
{
  input.size = entry->placement.size;
  input.data = entry;
  input.keep = entry->flight->params.grad_cam > 0 && entry->detector->model->info->has_grad_cam;
  input.ticket = &entry->flight->ticket;
  return cbam_slot_submit (entry->flight->slot, &input, error);
}

/* How the frame lies in the caller's memory, if that is how a device may read it. */
static gboolean
find_in_place (const Entry *entry, gsize limit, const guint8 **ret_start, CbamPlacement *ret_there)
{
  const gsize alignment = cbam_device_get_host_alignment (entry->detector->model->device);

  return entry->source == NULL && entry->part->lasting && alignment > 0 &&
         cbam_image_get_in_place (entry->part, alignment, ret_start, ret_there) && ret_there->size <= limit;
}

/* With @thinned only what that leaves in. */
static gboolean
send_images (Entry *entry, const CbamFrameArgs *thinned, GError **error)
{
  const CbamFlight *flight = entry->flight;
  CbamImageCopies images = { .regions = entry->detector->regions };

  images.n = cbam_image_get_copies (entry->source, entry->part, flight->x, flight->y, &entry->placement, thinned,
                                    images.planes, entry->detector->regions, error);
  return images.n > 0 && send (entry, (CbamSlotInput){ .images = &images, .thin = thinned != NULL }, error);
}

/* A frame that the device can bind. */
static gboolean
send_whole (Entry *entry, gsize limit, GError **error)
{
  const CbamPlacement packed = entry->placement;
  g_autoptr (GError) local = NULL;
  CbamPlacement there;
  const guint8 *start;

  if (find_in_place (entry, limit, &start, &there)) {
    entry->placement = there;
    fill (entry);
    if (send (entry, (CbamSlotInput){ .start = start }, &local))
      return TRUE;
    if (!g_error_matches (local, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    entry->placement = packed; /* the device cannot, after all */
  }
  fill (entry);
  return entry->source != NULL ? send_images (entry, NULL, error)
                               : send (entry, (CbamSlotInput){ .write = pack }, error);
}

/* A filter looks at all of a frame, and a kernel's loops have an end. */
static gboolean
check_filter (const Entry *entry, gsize limit, GError **error)
{
  const CbamInputSpec *input = &entry->detector->model->spec->input;
  const CbamImage *part = entry->part;
  double covered;

  if (input->filter == CBAM_FILTER_NONE)
    return TRUE;
  fill (entry);
  covered = MAX (entry->args->scale_x, entry->args->scale_y);
  if (entry->placement.size <= limit && covered < MOST_COVERED)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
               "a frame of %ux%u pixels is %" G_GSIZE_FORMAT
               " bytes, %.3g pixels to one of the input's %ux%u; through a filter "
               "%s looks at most at %" G_GSIZE_FORMAT " bytes, and at less than %u to one",
               part->width, part->height, entry->placement.size, covered, input->width, input->height,
               cbam_device_get_info (entry->detector->model->device)->name, limit, MOST_COVERED);
  return FALSE;
}

/* A larger one. */
static gboolean
send_thinned (Entry *entry, gsize limit, GError **error)
{
  CbamDevice *device = entry->detector->model->device;
  const CbamInputSpec *input = &entry->detector->model->spec->input;
  gboolean fits;

  fill (entry);
  if (entry->source != NULL) {
    fits = cbam_image_thin (entry->part, input, limit, entry->args, &entry->placement);
  } else {
    cbam_thin_fill (entry->args, input, CBAM_THIN_ROWS | CBAM_THIN_COLUMNS);
    entry->placement.size = cbam_thin_place (entry->args);
    fits = entry->placement.size <= limit;
  }
  if (!fits) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "of a frame of %ux%u pixels, %ux%u of them sampled, %" G_GSIZE_FORMAT
                 " bytes are needed; %s binds at most %" G_GSIZE_FORMAT,
                 entry->part->width, entry->part->height, input->width, input->height, entry->placement.size,
                 cbam_device_get_info (device)->name, limit);
    return FALSE;
  }
  return entry->source != NULL ? send_images (entry, entry->args, error)
                               : send (entry, (CbamSlotInput){ .write = pack_thinned, .thin = TRUE }, error);
}

static gboolean
start (CbamDetector *detector, CbamFlight *flight, const CbamVulkanPlane *source, const CbamImage *part, GError **error)
{
  const gsize limit = cbam_program_get_pixels_limit (detector->model->program);
  Entry entry = { detector, flight, source, part, .placement = cbam_image_get_packed (part) };

  entry.args = cbam_levels_begin (detector->levels, cbam_slot_get (flight->slot, detector->levels->block));
  if (!check_filter (&entry, limit, error))
    return FALSE;
  return entry.placement.size > limit ? send_thinned (&entry, limit, error) : send_whole (&entry, limit, error);
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
  if (!cbam_take_given ("CbamDetectParams", given, given != NULL ? given->size : 0, ret_params, sizeof *ret_params,
                        error))
    return FALSE;
  ret_params->threshold = choose (ret_params->threshold, own->threshold);
  ret_params->nms_iou = choose (ret_params->nms_iou, own->nms_iou);
  ret_params->nms_across = choose (ret_params->nms_across, own->nms_across);
  ret_params->top_k = choose_limit (ret_params->top_k, own->top_k);
  ret_params->max_detections = choose_limit (ret_params->max_detections, own->max_detections);
  return TRUE;
}

static gboolean
submit (CbamDetector *detector, const CbamVulkanPlane *source, const CbamImage *image, const CbamDetectParams *given,
        GError **error)
{
  CbamDetectParams params;
  CbamImage part;
  CbamFlight *flight;
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
  CbamVulkanFrame own;
  CbamVulkanPlane planes[3];
  CbamImage image;

  g_return_val_if_fail (detector != NULL && frame != NULL && frame->image != NULL, FALSE);
  if (!cbam_take_given ("CbamVulkanFrame", frame, frame->size, &own, sizeof own, error) ||
      !cbam_take_given ("CbamImage", own.image, own.image->size, &image, sizeof image, error))
    return FALSE;
  for (guint p = 0; p < G_N_ELEMENTS (planes); p++)
    if (!cbam_take_given ("CbamVulkanPlane", own.planes[p], own.planes[p] != NULL ? own.planes[p]->size : 0, &planes[p],
                          sizeof planes[p], error))
      return FALSE;
  memset (image.planes, 0, sizeof image.planes);
  memset (image.strides, 0, sizeof image.strides);
  return cbam_image_check_form (&image, error) && submit (detector, planes, &image, params, error);
}

/* ---- Collect ---------------------------------------------------------------------------------------------------- */

static void
add_op_times (CbamDetector *detector, const CbamFlight *flight, CbamResult *result)
{
  const double *seconds = flight->slot->seconds;

  if (seconds == NULL)
    return;
  result->n_op_times = detector->model->program->plan->n_steps;
  result->op_times = g_memdup2 (detector->model->op_times, result->n_op_times * sizeof (CbamOpTime));
  for (gsize i = 0; i < result->n_op_times; i++)
    result->op_times[i].seconds = seconds[i];
}

/* From over the upright picture of the part that was looked at to over the frame as it is stored. */
static void
place_map (const CbamFlight *flight, CbamMap *map)
{
  cbam_orientation_turn_map (flight->orientation, (float) flight->width, (float) flight->height, map);
  map->x += (float) flight->x;
  map->y += (float) flight->y;
}

static void
place_maps (const CbamFlight *flight, CbamResult *result)
{
  for (gsize i = 0; i < result->n_attention; i++)
    place_map (flight, &result->spatial[i]);
  for (gsize i = 0; i < result->n_grad_cam; i++)
    place_map (flight, &result->grad_cam[i]);
}

static CbamResult *
read_result (CbamDetector *detector, CbamFlight *flight, GError **error)
{
  if (detector->model->spec->task == CBAM_TASK_CLASSIFY)
    return cbam_classes_read (detector->model, flight, error);
  return cbam_detections_read (detector->detections, detector->model, flight, error);
}

CbamResult *
cbam_detector_collect (CbamDetector *detector, GError **error)
{
  CbamResult *result = NULL;
  CbamFlight *flight;

  g_return_val_if_fail (detector != NULL, NULL);
  if (cbam_detector_get_free_slots (detector) == detector->n_slots) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY, "no frame is in flight");
    return NULL;
  }
  flight = &detector->flights[detector->tail];
  if (cbam_slot_wait (flight->slot, error))
    result = read_result (detector, flight, error);
  if (result != NULL) {
    add_op_times (detector, flight, result);
    place_maps (flight, result);
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
  if (result != NULL)
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
  if (!cbam_take_given ("CbamDetectorConfig", config, config != NULL ? config->size : 0, &own, sizeof own, error))
    return NULL;
  n_slots = own.slots > 0 ? own.slots : DEFAULT_SLOTS;
  g_return_val_if_fail (n_slots <= MAX_SLOTS, NULL);
  detector->model = cbam_model_ref (model);
  detector->levels = cbam_levels_of (model->program->plan->graph);
  detector->n_slots = n_slots;
  detector->flights = g_new0 (CbamFlight, n_slots);
  detector->share = (CbamShare){ .cost = 2.0 * (double) model->info->macs / n_slots, .slots = n_slots };
  cbam_turns_join (model->device->turns, &detector->share);
  detector->detections = cbam_detections_new ();
  detector->regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  for (guint i = 0; i < n_slots; i++) {
    detector->flights[i].slot = cbam_slot_new (model->program, profile, error);
    if (detector->flights[i].slot == NULL)
      return NULL;
    detector->flights[i].ticket.share = &detector->share;
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
  if (detector == NULL || !g_atomic_ref_count_dec (&detector->refs))
    return;
  for (guint i = 0; detector->flights != NULL && i < detector->n_slots; i++)
    cbam_slot_free (detector->flights[i].slot);
  cbam_detections_free (detector->detections);
  g_clear_pointer (&detector->regions, g_array_unref);
  if (detector->model != NULL)
    cbam_turns_leave (detector->model->device->turns, &detector->share);
  cbam_model_unref (detector->model);
  g_mutex_clear (&detector->lock);
  g_free (detector->flights);
  g_free (detector);
}
