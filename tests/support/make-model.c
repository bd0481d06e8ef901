/* make-model OUT: writes the test model, for tests that only see a model file.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "write-model.h"

#define SEED 1

int
main (int argc, char **argv)
{
  g_autoptr (TestModel) model = test_model_new (SEED);
  g_autoptr (GError) error = NULL;

  if (argc != 2) {
    g_printerr ("usage: make-model OUT.safetensors\n");
    return 2;
  }
  if (test_model_write (model, argv[1], &error))
    return 0;
  g_printerr ("make-model: %s\n", error->message);
  return 1;
}
