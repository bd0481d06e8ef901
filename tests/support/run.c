/* Running a slot once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run.h"

#include <string.h>

typedef struct
{
  const guint8 *pixels;
  gsize size;
} Pixels;

static void
write_pixels (gpointer data, guint8 *to)
{
  const Pixels *pixels = data;

  memcpy (to, pixels->pixels, pixels->size);
}

void
test_run (CbamSlot *slot, const guint8 *pixels, gsize size, gboolean thin)
{
  Pixels source = { pixels, size };
  const CbamSlotInput input = {
    .size = size, .write = pixels != NULL ? write_pixels : NULL, .data = &source, .thin = thin
  };
  const GPtrArray *values = slot->program->plan->graph->values;
  g_autoptr (GError) error = NULL;

  cbam_slot_submit (slot, &input, &error);
  g_assert_no_error (error);
  cbam_slot_wait (slot, &error);
  g_assert_no_error (error);
  for (guint v = 0; v < values->len; v++) {
    const CbamValue *value = g_ptr_array_index (values, v);

    if (value->kind == CBAM_VALUE_BYTES && (value->host & CBAM_HOST_READS))
      g_assert_true (cbam_slot_fetch (slot, value, 0, value->size, &error));
  }
}

float *
test_read (CbamSlot *slot, const CbamValue *value)
{
  float *values = g_new (float, cbam_value_count (value));

  cbam_value_read (value, cbam_slot_get (slot, value), values);
  return values;
}
