/* make-model OUT [cbam|classifier]: writes the test model, for tests that only see a model file. With `cbam` it
 * letterboxes, and has a CBAM module before each head; with `classifier` it is one, of seven classes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "write-model.h"

#include <math.h>
#include <string.h>

#define SEED 1
#define REDUCTION 16

static void
add_random (TestModel *model, GRand *rand, guint level, const char *suffix, double limit, guint n_dims,
            const gsize *dims)
{
  g_autofree char *name = g_strdup_printf ("att.%u.%s", level, suffix);
  TestTensor *tensor = test_model_add (model, name, n_dims, dims);

  for (guint i = 0; i < tensor->values->len; i++)
    g_array_index (tensor->values, float, i) = (float) g_rand_double_range (rand, -limit, limit);
}

static void
add_cbam (TestModel *model)
{
  static const gsize channels[] = { 128, 256, 128 };
  GRand *rand = g_rand_new_with_seed (SEED);

  for (guint level = 0; level < G_N_ELEMENTS (channels); level++) {
    const gsize all = channels[level], few = all / REDUCTION;
    add_random (model, rand, level, "ChannelGate.mlp.1.weight", sqrt (6.0 / all), 2, (const gsize[]){ few, all });
    add_random (model, rand, level, "ChannelGate.mlp.1.bias", 0.5, 1, &few);
    add_random (model, rand, level, "ChannelGate.mlp.3.weight", sqrt (6.0 / few), 2, (const gsize[]){ all, few });
    add_random (model, rand, level, "ChannelGate.mlp.3.bias", 0.5, 1, &all);
    add_random (model, rand, level, "SpatialGate.spatial.conv.weight", 0.5, 4, (const gsize[]){ 1, 2, 3, 3 });
  }
  test_model_set (model, "network.attention", "{ \"kind\": \"cbam\" }");
  test_model_set (model, "input.resize", "\"letterbox\"");
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  static const char *const kinds[] = { "", "cbam", "classifier", NULL };
  g_autoptr (TestModel) model = test_model_new (SEED);
  g_autoptr (GError) error = NULL;

  if (argc < 2 || argc > 3 || !g_strv_contains (kinds, argc == 3 ? argv[2] : "")) {
    g_printerr ("usage: make-model OUT.safetensors [cbam|classifier]\n");
    return 2;
  }
  if (argc == 3 && strcmp (argv[2], "cbam") == 0)
    add_cbam (model);
  else if (argc == 3)
    test_model_classify (model, 8, SEED);
  if (test_model_write (model, argv[1], &error))
    return 0;
  g_printerr ("make-model: %s\n", error->message);
  return 1;
}
