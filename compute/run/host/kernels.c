/* The list of kernels, and the one that runs whatever the others do not: an op's reference, on a copy of its maps in
 * the reference's own order. Slow, but right, and a new op runs on the host from its first day.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run/host/private.h"

#include <string.h>

const CbamHostKernel *const cbam_host_kernels[] = {
  &cbam_host_winograd,
  &cbam_host_conv,
  &cbam_host_depthwise,
  &cbam_host_deconv,
  &cbam_host_depthwise_deconv,
  &cbam_host_separable,
  &cbam_host_activation,
  &cbam_host_sigmoid,
  &cbam_host_batch_norm,
  &cbam_host_l2_norm,
  &cbam_host_add,
  &cbam_host_multiply,
  &cbam_host_concat,
  &cbam_host_slice,
  &cbam_host_shuffle,
  &cbam_host_turn,
  &cbam_host_max_pool,
  &cbam_host_global_pool,
  &cbam_host_channel_pool,
  &cbam_host_channel_gate,
  &cbam_host_attend,
  &cbam_host_resize,
  &cbam_host_preprocess,
  &cbam_host_resample,
  &cbam_host_detect,
  &cbam_host_by_reference,
  NULL,
};

const CbamLoops *
cbam_loops_get (CbamVectors vectors)
{
  switch (vectors) {
#if defined(__x86_64__)
    case CBAM_VECTORS_AVX512: return &cbam_loops_avx512;
    case CBAM_VECTORS_AVX2: return &cbam_loops_avx2;
#endif
    case CBAM_VECTORS_PLAIN: return &cbam_loops_plain;
    default: return NULL;
  }
}

/* ---- Any op ------------------------------------------------------------------------------------------------------ */

/* All of it in one part, and in a phase of its own: frames have one reference each. */
static gboolean
prepare (CbamHostStep *step, GError **error)
{
  step->parts[0] = 0;
  step->parts[1] = 1;
  return TRUE;
}

static void
copy_in (const CbamHostTask *task, const CbamValue *value)
{
  CbamReference *reference = task->stage->reference;

  if (value->kind == CBAM_VALUE_MAP)
    cbam_value_read (value, (guint8 *) cbam_host_map (task, value, 0), cbam_reference_get_all (reference, value));
  else if (!value->is_frame)
    memcpy (cbam_reference_get_bytes (reference, value), cbam_host_bytes (task, value), value->size);
}

static gboolean
run (const CbamHostTask *task)
{
  const CbamNode *node = task->step->node;
  CbamHostStage *stage = task->stage;

  if (stage->reference == NULL)
    stage->reference = cbam_reference_new (task->step->program->base.plan->graph);
  for (guint i = 0; i < node->n_inputs; i++)
    copy_in (task, node->inputs[i]);
  for (guint o = 0; o < node->n_outputs; o++)
    copy_in (task, node->outputs[o]); /* which other nodes may have begun to fill */
  cbam_reference_set_images (stage->reference, stage->n_images);
  cbam_reference_run_node (stage->reference, node, task->slot->pixels);
  for (guint o = 0; o < node->n_outputs; o++) {
    const CbamValue *value = node->outputs[o];

    if (value->kind == CBAM_VALUE_MAP)
      cbam_value_write (value, (guint8 *) cbam_host_map (task, value, 0),
                        cbam_reference_get_all (stage->reference, value));
    else
      memcpy (cbam_host_bytes (task, value), cbam_reference_get_bytes (stage->reference, value), value->size);
  }
  return TRUE;
}

const CbamHostKernel cbam_host_by_reference = { .name = "reference", .prepare = prepare, .run = run };
