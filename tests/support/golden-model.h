/* The model behind a file of golden results: its tensors are made from a list of their shapes and a seed.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "file/safetensors.h"
#include "write-model.h"

/* Returns (transfer full): the model of @file, a file of tests/golden/cases/ that is about no preset. @about: its
 * metadata "golden". */
TestModel *test_model_new_from_golden (const CbamSafetensors *file, JsonObject *about, GError **error);
