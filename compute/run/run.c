/* Runners: the list of them, and the way to the one that suits a device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/run.h"

#include <cbamdetect/profile.h>

#include "vk/device.h"

const CbamRunner *const cbam_runners[] = {
  &cbam_runner_reference,
#ifdef CBAM_HAVE_ONEDNN
  &cbam_runner_host,
#endif
  &cbam_runner_vulkan,
  NULL,
};

static const CbamRunner *
find_runner (CbamDevice *device)
{
  guint r = 0;

  while (!cbam_runners[r]->suits (&device->caps, device->debug)) /* the last suits all */
    r++;
  return cbam_runners[r];
}

gboolean
cbam_device_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error)
{
  guint r = 0;

  g_return_val_if_fail (device != NULL && gflops != NULL, FALSE);
  while (cbam_runners[r]->measure_peak == NULL ||
         !cbam_runners[r]->suits (&device->caps, device->debug)) /* the last does both */
    r++;
  return cbam_runners[r]->measure_peak (device, precision, gflops, error);
}

CbamFusions
cbam_run_get_fusions (CbamDevice *device, CbamPrecision precision)
{
  return find_runner (device)->get_fusions (&device->caps, precision);
}

CbamProgram *
cbam_program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error)
{
  CbamPlanConfig complete = { 0 };

  if (config != NULL)
    complete = *config;
  complete.caps = &device->caps;
  return find_runner (device)->program_new (device, graph, &complete, error);
}

void
cbam_program_free (CbamProgram *program)
{
  if (program != NULL)
    program->runner->program_free (program);
}

gsize
cbam_program_get_pixels_limit (const CbamProgram *program)
{
  return program->runner->get_pixels_limit (program);
}

const char *
cbam_program_get_kernel (const CbamProgram *program, guint s)
{
  return program->runner->get_kernel (program, s);
}

const char *
cbam_program_get_kernels (const CbamProgram *program)
{
  return program->runner->get_kernels (program);
}

CbamSlot *
cbam_slot_new (CbamProgram *program, gboolean profile, GError **error)
{
  return program->runner->slot_new (program, profile, error);
}

void
cbam_slot_free (CbamSlot *slot)
{
  if (slot != NULL)
    slot->program->runner->slot_free (slot);
}

guint8 *
cbam_slot_get (CbamSlot *slot, const CbamValue *value)
{
  g_return_val_if_fail (cbam_value_get_home (value) == CBAM_HOME_SLOT, NULL);
  return slot->program->runner->get (slot, value);
}

gboolean
cbam_slot_fetch (CbamSlot *slot, const CbamValue *value, gsize offset, gsize size, GError **error)
{
  return slot->program->runner->fetch (slot, value, offset, size, error);
}

gboolean
cbam_slot_submit (CbamSlot *slot, const CbamSlotInput *input, GError **error)
{
  g_return_val_if_fail (!slot->in_flight, FALSE);
  return slot->program->runner->submit (slot, input, error);
}

gboolean
cbam_slot_wait (CbamSlot *slot, GError **error)
{
  g_return_val_if_fail (slot->in_flight, FALSE);
  return slot->program->runner->wait (slot, error);
}

const CbamStep *
cbam_slot_find_clamped (const CbamSlot *slot, float *ret_largest)
{
  const CbamPlan *plan = slot->program->plan;
  const CbamStep *clamped = NULL;

  float largest = (float) CBAM_HALF_MOST;

  for (guint s = 0; slot->largest != NULL && s < plan->n_steps; s++)
    if (slot->largest[s] > largest) {
      largest = slot->largest[s];
      clamped = &plan->steps[s];
    }
  if (ret_largest != NULL)
    *ret_largest = largest;
  return clamped;
}

gboolean
cbam_slot_explain (CbamSlot *slot, const CbamGradCamTarget *target, float *values, GError **error)
{
  const CbamRunner *runner = slot->program->runner;

  if (runner->explain != NULL)
    return runner->explain (slot, target, values, error);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "the %s runner has no Grad-CAM", runner->name);
  return FALSE;
}

gboolean
cbam_slot_check_canaries (CbamSlot *slot, GError **error)
{
  const CbamRunner *runner = slot->program->runner;

  return runner->check_canaries == NULL || runner->check_canaries (slot, error);
}
