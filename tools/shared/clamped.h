/* Numbers that fp16 has no room for: a line on standard error, once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/cbamdetect.h>

G_BEGIN_DECLS

/* What the trial of a model has found, if it is anything. */
void clamped_tell_of_model (const CbamModelInfo *model);

/* What a result says, unless one has said it before, or the model. */
void clamped_tell_of_result (const CbamModelInfo *model, const CbamResult *result);

G_END_DECLS
