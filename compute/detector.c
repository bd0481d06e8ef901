/* CbamDetector: frames in, results out. Start reading here.
 *
 *     submit    free slot <- pixels + parameter block, its command buffer goes to the queue
 *     collect   wait for the oldest slot -> a detector's objects (detections.c), or a classifier's classes (classes.c);
 *               of a batch of regions those of one after the other
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
  guint n_slots, batch; /* and images of a slot */
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
  input.n_images = 1;
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
  const CbamPart *part = cbam_flight_get_part (entry->flight);
  CbamImageCopies images = { .regions = entry->detector->regions };

  images.n = cbam_image_get_copies (entry->source, entry->part, part->x, part->y, &entry->placement, thinned,
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
start (CbamDetector *detector, CbamFlight *flight, const CbamVulkanPlane *source, const CbamImage *part,
       CbamFrameArgs *args, GError **error)
{
  const gsize limit = cbam_program_get_pixels_limit (detector->model->program);
  Entry entry = { detector, flight, source, part, args, .placement = cbam_image_get_packed (part) };

  if (!check_filter (&entry, limit, error))
    return FALSE;
  return entry.placement.size > limit ? send_thinned (&entry, limit, error) : send_whole (&entry, limit, error);
}

/* ---- Several parts of a frame ------------------------------------------------------------------------------------ */

#define PART_ALIGNMENT 16 /* bytes; a part begins on a multiple */

/* Where part @i of @entries begins. */
static gsize
get_part_offset (const Entry *entries, guint i)
{
  gsize offset = 0;

  for (guint k = 0; k < i; k++)
    offset += (entries[k].placement.size + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
  return offset;
}

static void
pack_parts (gpointer data, guint8 *pixels)
{
  const Entry *entries = data;

  for (guint i = 0; i < entries->flight->n_images; i++)
    cbam_image_pack (entries[i].part, pixels + get_part_offset (entries, i));
}

/* The planes of part @i lie where it begins. */
static void
fill_parts (Entry *entries)
{
  for (guint i = 0; i < entries->flight->n_images; i++) {
    const gsize offset = get_part_offset (entries, i);

    for (guint p = 0; p < G_N_ELEMENTS (entries[i].placement.offsets); p++)
      entries[i].placement.offsets[p] += offset;
    fill (&entries[i]);
  }
}

static gboolean
start_parts (CbamDetector *detector, CbamFlight *flight, const CbamImage *parts, CbamFrameArgs *args, GError **error)
{
  const gsize limit = cbam_program_get_pixels_limit (detector->model->program);
  Entry entries[CBAM_MAX_BATCH];
  CbamSlotInput input = { .n_images = flight->n_images, .write = pack_parts, .data = entries };

  for (guint i = 0; i < flight->n_images; i++) {
    entries[i] = (Entry){ detector, flight, NULL, &parts[i], &args[i], .placement = cbam_image_get_packed (&parts[i]) };
    if (!check_filter (&entries[i], limit, error))
      return FALSE;
  }
  input.size = get_part_offset (entries, flight->n_images);
  if (input.size > limit) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%u parts of a frame take %" G_GSIZE_FORMAT " bytes together; %s binds at most %" G_GSIZE_FORMAT,
                 flight->n_images, input.size, cbam_device_get_info (detector->model->device)->name, limit);
    return FALSE;
  }
  fill_parts (entries);
  input.keep = flight->params.grad_cam > 0 && detector->model->info->has_grad_cam;
  input.ticket = &flight->ticket;
  return cbam_slot_submit (flight->slot, &input, error);
}

/* ---- The door ---------------------------------------------------------------------------------------------------- */

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

/* The parts of @image that lie in @regions; FALSE where there is nothing of one. */
static gboolean
cut_parts (const CbamImage *image, const CbamRegion *regions, CbamFlight *flight, CbamImage *parts, GError **error)
{
  for (guint i = 0; i < flight->n_images; i++) {
    CbamPart *part = &flight->parts[i];

    if (!cbam_image_crop (image, &regions[i], &parts[i], &part->x, &part->y, error))
      return FALSE;
    part->width = parts[i].width;
    part->height = parts[i].height;
  }
  return TRUE;
}

/* The slot that comes next, as long as there is one, the device is well, and it is the detector's turn. */
static CbamFlight *
take_flight (CbamDetector *detector, const CbamDetectParams *params, GError **error)
{
  CbamFlight *flight = &detector->flights[detector->head];

  if (cbam_detector_get_free_slots (detector) == 0) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BUSY, "all %u slots are in flight", detector->n_slots);
    return NULL;
  }
  if (!cbam_device_check_alive (detector->model->device, error))
    return NULL;
  flight->params = *params;
  flight->image = 0;
  flight->submitted = g_get_monotonic_time ();
  flight->ticket.turn = params->turn;
  flight->ticket.seconds = detector->warming ? NULL : &detector->model->seconds;
  /* Now, before pixels are copied for nothing, and again when it is entered. */
  if (cbam_turns_ask (detector->model->device->turns, &flight->ticket, flight->submitted))
    return flight;
  g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_BUSY, "it is other streams' turn");
  return NULL;
}

static gboolean
submit (CbamDetector *detector, const CbamVulkanPlane *source, const CbamImage *image, const CbamRegion *regions,
        guint n, const CbamDetectParams *given, GError **error)
{
  CbamImage parts[CBAM_MAX_BATCH];
  CbamDetectParams params;
  CbamFrameArgs *args;
  CbamFlight *flight;

  if (!take_params (given, &detector->model->spec->nms.params, &params, error))
    return FALSE;
  flight = take_flight (detector, &params, error);
  if (flight == NULL)
    return FALSE;
  flight->n_images = n;
  flight->orientation = image->orientation;
  if (!cut_parts (image, regions != NULL ? regions : &params.region, flight, parts, error))
    return FALSE;
  args = cbam_levels_begin (detector->levels, cbam_slot_get (flight->slot, detector->levels->block));
  if (n == 1 ? !start (detector, flight, source, parts, args, error)
             : !start_parts (detector, flight, parts, args, error))
    return FALSE;
  detector->head = (detector->head + 1) % detector->n_slots;
  g_mutex_lock (&detector->lock);
  detector->in_flight++;
  g_mutex_unlock (&detector->lock);
  return TRUE;
}

static gboolean
take_image (const CbamImage *image, CbamImage *own, GError **error)
{
  return cbam_take_given ("CbamImage", image, image->size, own, sizeof *own, error) &&
         cbam_image_take_bytes (own, error) && cbam_image_check (own, error);
}

gboolean
cbam_detector_submit (CbamDetector *detector, const CbamImage *image, const CbamDetectParams *params, GError **error)
{
  CbamImage own;

  g_return_val_if_fail (detector != NULL && image != NULL, FALSE);
  return take_image (image, &own, error) && submit (detector, NULL, &own, NULL, 1, params, error);
}

gboolean
cbam_detector_submit_regions (CbamDetector *detector, const CbamImage *image, const CbamRegion *regions,
                              guint n_regions, const CbamDetectParams *params, GError **error)
{
  CbamImage own;

  g_return_val_if_fail (detector != NULL && image != NULL && regions != NULL && n_regions > 0, FALSE);
  if (n_regions > detector->batch) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "%u regions: the model was loaded for at most %u at once (CbamModelConfig.max_batch)", n_regions,
                 detector->batch);
    return FALSE;
  }
  return take_image (image, &own, error) && submit (detector, NULL, &own, regions, n_regions, params, error);
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
  return cbam_image_check_form (&image, error) && submit (detector, planes, &image, NULL, 1, params, error);
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
  const CbamPart *part = cbam_flight_get_part (flight);

  cbam_orientation_turn_map (flight->orientation, (float) part->width, (float) part->height, map);
  map->x += (float) part->x;
  map->y += (float) part->y;
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

static const char *
find_clamped (const CbamFlight *flight)
{
  const CbamStep *clamped = cbam_slot_find_clamped (flight->slot, NULL);

  return clamped != NULL ? clamped->node->name : NULL;
}

/* What the oldest flight has of the image that comes next. The first waits; an error is that of all of them. */
static CbamResult *
take_result (CbamDetector *detector, CbamFlight *flight, GError **error)
{
  CbamResult *result;

  if (flight->image == 0)
    cbam_slot_wait (flight->slot, &flight->error);
  if (flight->error != NULL) {
    g_propagate_error (error, g_error_copy (flight->error));
    return NULL;
  }
  result = read_result (detector, flight, error);
  if (result == NULL)
    return NULL;
  result->clamped = find_clamped (flight);
  add_op_times (detector, flight, result);
  place_maps (flight, result);
  return result;
}

CbamResult *
cbam_detector_collect (CbamDetector *detector, GError **error)
{
  CbamResult *result;
  CbamFlight *flight;

  g_return_val_if_fail (detector != NULL, NULL);
  if (cbam_detector_get_free_slots (detector) == detector->n_slots) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_EMPTY, "no frame is in flight");
    return NULL;
  }
  flight = &detector->flights[detector->tail];
  result = take_result (detector, flight, error);
  if (++flight->image < flight->n_images)
    return result;
  g_clear_error (&flight->error);
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
  detector->batch = model->program->plan->graph->batch;
  detector->flights = g_new0 (CbamFlight, n_slots);
  detector->share = (CbamShare){ .cost = 2.0 * (double) model->info->macs / n_slots, .slots = n_slots };
  cbam_turns_join (model->device->turns, &detector->share);
  detector->detections = cbam_detections_new ();
  detector->regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  for (guint i = 0; i < n_slots; i++) {
    detector->flights[i].parts = g_new0 (CbamPart, detector->batch);
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
  for (guint i = 0; detector->flights != NULL && i < detector->n_slots; i++) {
    cbam_slot_free (detector->flights[i].slot);
    g_free (detector->flights[i].parts);
    g_clear_error (&detector->flights[i].error);
  }
  cbam_detections_free (detector->detections);
  g_clear_pointer (&detector->regions, g_array_unref);
  if (detector->model != NULL)
    cbam_turns_leave (detector->model->device->turns, &detector->share);
  cbam_model_unref (detector->model);
  g_mutex_clear (&detector->lock);
  g_free (detector->flights);
  g_free (detector);
}
