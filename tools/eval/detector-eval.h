/* How well a detector finds what people marked in pictures.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "eval-options.h"

#include <cbamdetect/cbamdetect.h>

G_BEGIN_DECLS

/* Runs @model, which detects, on the pictures of a devkit's split, one at a time, so that the time of each is its own,
 * and prints what came of it. */
gboolean eval_detector (CbamModel *model, const EvalOptions *options, GError **error);

G_END_DECLS
