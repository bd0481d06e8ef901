/* A slot: what one frame in flight owns; and a stage: what one frame needs while it is computed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <string.h>
#include <time.h>

#define ALIGNMENT 64 /* bytes: a cache line, and the widest vectors */
#define POISON 0xff  /* every byte: NaN */
#define CANARY 0x5a

/* ---- Stages ------------------------------------------------------------------------------------------------------ */

static CbamHostStage *
stage_new (CbamHostProgram *program)
{
  CbamHostStage *stage = g_new0 (CbamHostStage, 1);
  const guint n = cbam_team_get_size (program->team);

  stage->program = program;
  stage->arena = g_aligned_alloc (1, MAX (program->base.plan->arena_size, 1), ALIGNMENT);
  stage->workers = g_new0 (CbamOnednnWorker *, n);
  stage->room = g_new0 (float *, n);
  stage->shared = g_aligned_alloc (MAX (program->shared, 1), sizeof (float), ALIGNMENT);
  stage->begun = g_new0 (gint, n * CBAM_HOST_PHASES * MAX (program->base.plan->n_steps, 1));
  stage->parts = g_new0 (guint, CBAM_HOST_PHASES * MAX (program->base.plan->n_steps, 1));
  stage->before = g_new0 (guint, CBAM_HOST_PHASES * MAX (program->base.plan->n_steps, 1));
  cbam_tally_init (&stage->done);
  return stage;
}

void
cbam_host_stage_free (CbamHostStage *stage)
{
  for (guint t = 0; t < cbam_team_get_size (stage->program->team); t++) {
    cbam_onednn_worker_free (stage->workers[t]);
    g_aligned_free (stage->room[t]);
  }
  cbam_tally_clear (&stage->done);
  cbam_reference_free (stage->reference);
  g_aligned_free (stage->arena);
  g_aligned_free (stage->shared);
  g_free (stage->workers);
  g_free (stage->room);
  g_free (stage->begun);
  g_free (stage->parts);
  g_free (stage->before);
  g_free (stage);
}

/* How many parts there are where only @n_images of the batch are computed. */
static guint
count_parts (const CbamHostStep *step, guint phase, guint n_images)
{
  const guint batch = step->program->base.plan->graph->batch;

  if (phase == CBAM_HOST_KEEPING || step->kernel == &cbam_host_by_reference)
    return step->parts[phase]; /* one for the whole batch */
  return step->parts[phase] / batch * n_images;
}

static void
set_images (CbamHostStage *stage, guint n_images)
{
  const CbamHostProgram *program = stage->program;
  guint before = 0, i = 0;

  if (stage->n_images == n_images)
    return;
  stage->n_images = n_images;
  for (guint s = 0; s < program->base.plan->n_steps; s++)
    for (guint phase = 0; phase < CBAM_HOST_PHASES; phase++, i++) {
      stage->parts[i] = count_parts (&program->steps[s], phase, n_images);
      stage->before[i] = before;
      before += stage->parts[i];
    }
}

/* One that no frame uses. There come to be as many as frames were ever computed at once. */
static CbamHostStage *
take_stage (CbamHostProgram *program, guint n_images)
{
  CbamHostStage *stage = NULL;

  g_mutex_lock (&program->lock);
  if (program->stages != NULL) {
    stage = program->stages->data;
    program->stages = g_slist_delete_link (program->stages, program->stages);
  }
  g_mutex_unlock (&program->lock);
  if (stage == NULL)
    stage = stage_new (program);
  memset (stage->begun, 0,
          sizeof (gint) * cbam_team_get_size (program->team) * CBAM_HOST_PHASES * program->base.plan->n_steps);
  cbam_tally_reset (&stage->done);
  set_images (stage, n_images);
  stage->failed = stage->profiled = 0;
  return stage;
}

static void
give_back (CbamHostStage *stage)
{
  CbamHostProgram *program = stage->program;

  g_mutex_lock (&program->lock);
  program->stages = g_slist_prepend (program->stages, stage);
  g_mutex_unlock (&program->lock);
}

/* NaN everywhere, canaries behind each map: what a kernel forgets to write, or writes too far, shows. */
static void
poison (CbamHostStage *stage)
{
  const CbamHostProgram *program = stage->program;
  const CbamPlan *plan = program->base.plan;

  memset (stage->arena, program->canary ? CANARY : POISON, plan->arena_size);
  for (guint v = 0; v < plan->graph->values->len; v++) {
    const CbamValue *value = g_ptr_array_index (plan->graph->values, v);

    if (value->last >= 0 && cbam_value_get_home (value) == CBAM_HOME_ARENA)
      memset (stage->arena + value->offset, POISON, value->size);
  }
}

/* A thread's own, made when it first has something to do. */
static void
equip (CbamHostStage *stage, guint thread)
{
  const CbamHostProgram *program = stage->program;

  if (stage->workers[thread] != NULL)
    return;
  stage->workers[thread] = cbam_onednn_worker_new (program->n_primitives, program->scratch_size);
  stage->room[thread] = g_aligned_alloc (MAX (program->room, 1), sizeof (float), ALIGNMENT);
}

/* ---- For kernels ------------------------------------------------------------------------------------------------- */

guint8 *
cbam_host_bytes (const CbamHostTask *task, const CbamValue *value)
{
  switch (cbam_value_get_home (value)) {
    case CBAM_HOME_ARENA: return task->stage->arena + value->offset;
    case CBAM_HOME_SLOT: return task->slot->memory + value->offset;
    case CBAM_HOME_FRAME: return (guint8 *) task->slot->pixels;
  }
  g_return_val_if_reached (NULL);
}

float *
cbam_host_map (const CbamHostTask *task, const CbamValue *value, guint image)
{
  return (float *) cbam_host_bytes (task, value) + cbam_host_frame (value) * image;
}

float *
cbam_host_scratch (const CbamHostTask *task)
{
  return task->stage->room[task->thread];
}

CbamHostRows
cbam_host_rows (const CbamHostTask *task)
{
  const guint height = task->step->node->outputs[0]->height, rows = task->step->rows;
  const guint per_image = (height + rows - 1) / rows, first = task->part % per_image * rows;

  return (CbamHostRows){ task->part / per_image, first, MIN (first + rows, height) };
}

/* ---- Computing, in the team's threads ---------------------------------------------------------------------------- */

/* What is keepable and this step is the last to touch goes to memory of its own: the arena is for others then. */
static void
keep (const CbamHostTask *task)
{
  const CbamPlan *plan = task->stage->program->base.plan;
  const gint s = (gint) (task->step - task->stage->program->steps);

  for (guint v = 0; task->slot->keep && v < plan->graph->values->len; v++) {
    const CbamValue *value = g_ptr_array_index (plan->graph->values, v);

    if (value->keepable && value->last == s)
      memcpy ((float *) cbam_host_slot_get_kept (task->slot, value), cbam_host_map (task, value, 0), value->size);
  }
}

/* In nanoseconds: small steps take less than a microsecond. */
static gint64
read_clock (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* With profile no two phases are under way at once: who finishes the last part of one says how long it took. */
static void
note_time (CbamHostSlot *slot, const CbamHostStep *step)
{
  const gint64 now = read_clock ();

  slot->base.seconds[step - slot->program->steps] += (double) (now - slot->began) * 1e-9;
  slot->began = now;
}

/* Of its step and phase among those of the stage. */
static gsize
get_place (const CbamHostTask *task)
{
  return (gsize) (task->step - task->stage->program->steps) * CBAM_HOST_PHASES + task->phase;
}

static void
run_part (const CbamHostTask *task)
{
  CbamHostStage *stage = task->stage;
  const CbamHostStep *step = task->step;
  const gsize at = get_place (task);

  if (task->phase == CBAM_HOST_KEEPING)
    keep (task);
  else if (!g_atomic_int_get (&stage->failed) && !step->kernel->run (task))
    g_atomic_int_set (&stage->failed, TRUE);
  if (task->slot->profile && (guint) g_atomic_int_add (&stage->profiled, 1) + 1 == stage->before[at] + stage->parts[at])
    note_time (task->slot, step);
  cbam_tally_add (&stage->done);
}

/* The parts of a phase that are @owner's to begin with, and how many of them somebody has begun. */
typedef struct
{
  guint first, n;
  gint *begun;
} Share;

static Share
share_of (const CbamHostTask *task, guint owner)
{
  const gsize at = get_place (task);
  const guint threads = cbam_team_get_size (task->stage->program->team), n = task->stage->parts[at];
  const guint first = n * owner / threads, end = n * (owner + 1) / threads;

  return (Share){ first, end - first, &task->stage->begun[at * threads + owner] };
}

static gboolean
has_parts (const CbamHostTask *task)
{
  const guint threads = cbam_team_get_size (task->stage->program->team);

  for (guint owner = 0; owner < threads; owner++) {
    const Share share = share_of (task, owner);

    if ((guint) g_atomic_int_get (share.begun) < share.n)
      return TRUE;
  }
  return FALSE;
}

/* A thread has the same part of all maps, so that it finds in its own cache what it has written; when it is through it
 * takes from the others. */
static void
run_phase (CbamHostTask *task, gboolean waits)
{
  const guint threads = cbam_team_get_size (task->stage->program->team);

  if (!has_parts (task))
    return;
  if (waits)
    cbam_tally_wait (&task->stage->done, task->stage->before[get_place (task)]);
  for (guint t = 0; t < threads; t++) {
    const Share share = share_of (task, (task->thread + t) % threads);
    guint begun;

    while ((begun = (guint) g_atomic_int_add (share.begun, 1)) < share.n) {
      task->part = share.first + begun;
      run_part (task);
    }
  }
}

static CbamHostSlot *
slot_of (CbamJob *job)
{
  return (CbamHostSlot *) ((guint8 *) job - G_STRUCT_OFFSET (CbamHostSlot, job));
}

static void
begin_frame (CbamJob *job)
{
  CbamHostSlot *slot = slot_of (job);

  slot->stage = take_stage (slot->program, slot->n_images);
  if (slot->program->base.device->debug & CBAM_DEBUG_POISON)
    poison (slot->stage);
  if (slot->profile)
    memset (slot->base.seconds, 0, slot->program->base.plan->n_steps * sizeof (double));
  slot->began = read_clock ();
}

/* A thread that comes late finds parts that others have begun, and goes on to those that nobody has. */
static void
run_frame (CbamJob *job, guint thread)
{
  CbamHostSlot *slot = slot_of (job);
  const CbamHostProgram *program = slot->program;

  equip (slot->stage, thread);
  for (guint s = 0; s < program->base.plan->n_steps; s++) {
    CbamHostTask task = { .step = &program->steps[s], .stage = slot->stage, .slot = slot, .thread = thread };

    for (task.phase = 0; task.phase < CBAM_HOST_PHASES; task.phase++)
      run_phase (&task, task.phase > 0 || task.step->waits || slot->profile);
  }
}

static void
end_frame (CbamJob *job)
{
  CbamHostSlot *slot = slot_of (job);

  slot->failed = slot->stage->failed;
  give_back (slot->stage);
}

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

CbamSlot *
cbam_host_slot_new (CbamProgram *base, gboolean profile, GError **error)
{
  CbamHostSlot *slot = g_new0 (CbamHostSlot, 1);
  const CbamPlan *plan = base->plan;

  slot->base.program = base;
  slot->program = (CbamHostProgram *) base;
  slot->profile = profile;
  slot->memory = g_aligned_alloc0 (1, MAX (plan->slot_size, 1), ALIGNMENT);
  if (slot->program->canary)
    memset (slot->memory, CANARY, plan->slot_size);
  if (profile)
    slot->base.seconds = g_new0 (double, plan->n_steps);
  slot->job = (CbamJob){ .begin = begin_frame, .run = run_frame, .end = end_frame };
  cbam_job_init (&slot->job);
  return &slot->base;
}

void
cbam_host_slot_free (CbamSlot *base)
{
  CbamHostSlot *slot = (CbamHostSlot *) base;

  if (base->in_flight)
    cbam_host_slot_wait (base, NULL);
  cbam_job_clear (&slot->job);
  g_aligned_free (slot->memory);
  g_free (slot->kept);
  g_free (slot->written);
  g_free (slot->base.seconds);
  g_free (slot);
}

/* Values follow each other in the order of the graph. */
const float *
cbam_host_slot_get_kept (const CbamHostSlot *slot, const CbamValue *value)
{
  const GPtrArray *values = slot->program->base.plan->graph->values;
  gsize offset = 0;

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *other = g_ptr_array_index (values, v);

    if (other == value)
      break;
    offset += other->keepable ? other->size : 0;
  }
  return (const float *) (slot->kept + offset);
}

static void
set_keep (CbamHostSlot *slot, gboolean wanted)
{
  const GPtrArray *values = slot->program->base.plan->graph->values;
  gsize size = 0;

  slot->keep = wanted;
  if (!wanted || slot->kept != NULL)
    return;
  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);

    size += value->keepable ? value->size : 0;
  }
  slot->kept = g_malloc (MAX (size, 1));
}

static void
take_pixels (CbamHostSlot *slot, const CbamSlotInput *input)
{
  slot->pixels = input->start;
  if (input->start != NULL)
    return;
  if (slot->room < input->size) {
    slot->room = input->size;
    slot->written = g_realloc (slot->written, slot->room);
  }
  if (input->write != NULL)
    input->write (input->data, slot->written);
  slot->pixels = slot->written;
}

/* Under the device's lock, so that tickets are entered in the order of the queue. */
static gboolean
enter (CbamHostSlot *slot, CbamTicket *ticket, GError **error)
{
  CbamDevice *device = slot->base.program->device;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&device->queue_lock);

  if (ticket != NULL && !cbam_turns_enter (device->turns, ticket, g_get_monotonic_time ())) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BUSY, "%s: it is other streams' turn", device->info.name);
    return FALSE;
  }
  slot->ticket = ticket;
  cbam_team_submit (slot->program->team, &slot->job);
  return TRUE;
}

gboolean
cbam_host_slot_submit (CbamSlot *base, const CbamSlotInput *input, GError **error)
{
  CbamHostSlot *slot = (CbamHostSlot *) base;

  if (input->images != NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                 "expected a frame in memory, found Vulkan images; %s is the processor itself and has none",
                 base->program->device->info.name);
    return FALSE;
  }
  slot->n_images = input->n_images > 0 ? input->n_images : base->program->plan->graph->batch;
  take_pixels (slot, input);
  set_keep (slot, input->keep);
  base->in_flight = enter (slot, input->ticket, error);
  return base->in_flight;
}

gboolean
cbam_host_slot_wait (CbamSlot *base, GError **error)
{
  CbamHostSlot *slot = (CbamHostSlot *) base;

  cbam_team_wait (slot->program->team, &slot->job);
  base->in_flight = FALSE;
  if (slot->ticket != NULL)
    cbam_turns_finish (base->program->device->turns, slot->ticket, g_get_monotonic_time (), TRUE);
  if (!slot->failed)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: oneDNN failed to compute a frame",
               base->program->device->info.name);
  return FALSE;
}

guint8 *
cbam_host_slot_get (CbamSlot *base, const CbamValue *value)
{
  return ((CbamHostSlot *) base)->memory + value->offset;
}

gboolean
cbam_host_slot_fetch (CbamSlot *base, const CbamValue *value, gsize offset, gsize size, GError **error)
{
  return TRUE;
}

/* ---- Canaries ---------------------------------------------------------------------------------------------------- */

gboolean
cbam_host_slot_check_canaries (CbamSlot *base, GError **error)
{
  const CbamHostSlot *slot = (const CbamHostSlot *) base;
  const GPtrArray *values = base->program->plan->graph->values;

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);
    const CbamHome home = cbam_value_get_home (value);
    const guint8 *behind = (home == CBAM_HOME_SLOT ? slot->memory : slot->stage->arena) + value->offset + value->size;

    for (gsize i = 0; value->last >= 0 && home != CBAM_HOME_FRAME && i < slot->program->canary; i++)
      if (behind[i] != CANARY) {
        g_set_error (error, CBAM_ERROR, CBAM_ERROR_FAILED, "%s: something wrote behind it", value->name);
        return FALSE;
      }
  }
  return TRUE;
}
