/* How often a classifier names what pictures show.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "eval-options.h"

#include <cbamdetect/cbamdetect.h>

G_BEGIN_DECLS

/* Runs @model, which classifies, on pictures that lie in a folder for each class, one at a time, so that the time of
 * each is its own, and prints what came of it. Options of detectors are errors. */
gboolean eval_classifier (CbamModel *model, const EvalOptions *options, GError **error);

G_END_DECLS
