/* The reference as a runner: whole networks by plain loops, for tests and for looking into trouble
 * (CBAM_DEBUG_REFERENCE).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/run.h"

#include <string.h>

#include "run/reference/reference.h"

typedef struct
{
  CbamSlot base;
  CbamReference *reference;
  guint8 *memory; /* of values that the host reads or writes, as the plan lays them out */
  guint8 *pixels;
} Slot;

static gboolean
suits (const CbamDeviceCaps *caps, CbamDebugFlags debug)
{
  return (debug & CBAM_DEBUG_REFERENCE) != 0;
}

/* None: some make ops that stand in for others and have no reference. */
static CbamFusions
get_fusions (const CbamDeviceCaps *caps, CbamPrecision precision)
{
  return 0;
}

/* The plan says where the host's values lie, no more. */
static CbamProgram *
program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  g_autoptr (CbamProgram) program = g_new0 (CbamProgram, 1);

  program->runner = &cbam_runner_reference;
  program->device = cbam_device_ref (device);
  program->plan = cbam_plan_new (graph, config, error);
  return program->plan != NULL ? g_steal_pointer (&program) : NULL;
}

static void
program_free (CbamProgram *program)
{
  cbam_plan_free (program->plan);
  cbam_device_unref (program->device);
  g_free (program);
}

static gsize
get_pixels_limit (const CbamProgram *program)
{
  return G_MAXSIZE;
}

static const char *
get_kernel (const CbamProgram *program, guint s)
{
  return "reference";
}

static const char *
get_kernels (const CbamProgram *program)
{
  return "reference";
}

static CbamSlot *
slot_new (CbamProgram *program, gboolean profile, GError **error)
{
  Slot *slot = g_new0 (Slot, 1);

  slot->base.program = program;
  slot->reference = cbam_reference_new (program->plan->graph);
  slot->memory = g_malloc0 (MAX (program->plan->slot_size, 1));
  if (profile)
    slot->base.seconds = g_new0 (double, program->plan->n_steps);
  return &slot->base;
}

static void
slot_free (CbamSlot *base)
{
  Slot *slot = (Slot *) base;

  cbam_reference_free (slot->reference);
  g_free (slot->memory);
  g_free (slot->pixels);
  g_free (slot->base.seconds);
  g_free (slot);
}

/* Between the host's side of a slot and the reference's own arrays. */
static void
copy_values (Slot *slot, CbamHostUse use)
{
  const GPtrArray *values = slot->base.program->plan->graph->values;

  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);
    guint8 *memory = slot->memory + value->offset;

    if (!(value->host & use) || value->last < 0)
      continue;
    if (value->kind == CBAM_VALUE_MAP && use == CBAM_HOST_WRITES)
      cbam_value_read (value, memory, cbam_reference_get_all (slot->reference, value));
    else if (value->kind == CBAM_VALUE_MAP)
      cbam_value_write (value, memory, cbam_reference_get_all (slot->reference, value));
    else if (use == CBAM_HOST_WRITES)
      memcpy (cbam_reference_get_bytes (slot->reference, value), memory, value->host_bytes);
    else
      memcpy (memory, cbam_reference_get_bytes (slot->reference, value), value->size);
  }
}

static gboolean
submit (CbamSlot *base, const CbamSlotInput *input, GError **error)
{
  Slot *slot = (Slot *) base;

  if (input->images != NULL) {
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "the reference reads no Vulkan images");
    return FALSE;
  }
  if (input->write != NULL) {
    slot->pixels = g_realloc (slot->pixels, input->size);
    input->write (input->data, slot->pixels);
  }
  copy_values (slot, CBAM_HOST_WRITES);
  cbam_reference_set_images (slot->reference, input->n_images);
  cbam_reference_run (slot->reference, input->start != NULL ? input->start : slot->pixels);
  copy_values (slot, CBAM_HOST_READS);
  base->in_flight = TRUE;
  return TRUE;
}

static gboolean
wait (CbamSlot *base, GError **error)
{
  base->in_flight = FALSE;
  return TRUE;
}

static guint8 *
get (CbamSlot *base, const CbamValue *value)
{
  return ((Slot *) base)->memory + value->offset;
}

static gboolean
fetch (CbamSlot *base, const CbamValue *value, gsize offset, gsize size, GError **error)
{
  return TRUE;
}

const CbamRunner cbam_runner_reference = {
  .name = "reference",
  .suits = suits,
  .get_fusions = get_fusions,
  .program_new = program_new,
  .program_free = program_free,
  .get_pixels_limit = get_pixels_limit,
  .get_kernel = get_kernel,
  .get_kernels = get_kernels,
  .slot_new = slot_new,
  .slot_free = slot_free,
  .submit = submit,
  .wait = wait,
  .get = get,
  .fetch = fetch,
};
