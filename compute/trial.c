/* Draws a picture, and runs it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trial.h"

#include "detect/image.h"
#include "nets/levels.h"

#define BANDS 4
#define LEAST_SQUARE 4 /* pixels, of the first band */

typedef struct
{
  guint width, height;
} Size;

/* Squares from band to band twice as large, by turns black and of saturated colours, white among them: what filters for
 * edges and for areas answer to most. */
static void
draw (gpointer data, guint8 *pixels)
{
  const Size *size = data;

  for (guint y = 0; y < size->height; y++)
    for (guint x = 0; x < size->width; x++) {
      const guint square = LEAST_SQUARE << (BANDS * y / size->height), row = y / square, column = x / square;
      const guint colour = 1 + (row * 3 + column / 2) % 7;

      for (guint c = 0; c < 3; c++)
        *pixels++ = (row + column) % 2 != 0 && (colour >> c & 1) != 0 ? 255 : 0;
    }
}

static gboolean
run (CbamSlot *slot, const CbamSpec *spec, GError **error)
{
  const CbamLevels *levels = cbam_levels_of (slot->program->plan->graph);
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = spec->input.width, .height = spec->input.height };
  const CbamPlacement placement = cbam_image_get_packed (&image);
  Size size = { image.width, image.height };
  const CbamSlotInput input = { .n_images = 1, .size = placement.size, .write = draw, .data = &size };

  cbam_frame_fill (cbam_levels_begin (levels, cbam_slot_get (slot, levels->block)), &image, &placement, &spec->input,
                   &spec->output, &spec->nms.params);
  return cbam_slot_submit (slot, &input, error) && cbam_slot_wait (slot, error);
}

gboolean
cbam_trial_run (CbamProgram *program, const CbamSpec *spec, float *largest, const CbamStep **ret_clamped,
                GError **error)
{
  const CbamPlan *plan = program->plan;
  g_autoptr (CbamSlot) slot = cbam_slot_new (program, FALSE, error);

  if (slot == NULL || !run (slot, spec, error))
    return FALSE;
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;

    for (guint i = 0; i < node->n_outputs; i++)
      largest[node->outputs[i]->id] = MAX (largest[node->outputs[i]->id], slot->largest[s]);
  }
  *ret_clamped = program->clamped != NULL ? program->clamped : cbam_slot_find_clamped (slot, NULL);
  return TRUE;
}
