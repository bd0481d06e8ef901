/* Numbers that fp16 has no room for.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "clamped.h"

#include "program.h"

void
clamped_tell_of_model (const CbamModelInfo *model)
{
  if (model->clamped == NULL)
    return;
  program_complain ("%s: fp16 has no room for numbers of layer %s: %s", model->name, model->clamped,
                    model->precision == CBAM_PRECISION_FP16 ? "they are clamped; --precision fp32 has"
                                                            : "fp32 is taken");
}

void
clamped_tell_of_result (const CbamModelInfo *model, const CbamResult *result)
{
  static gboolean told;

  if (told || model->clamped != NULL || cbam_result_get_clamped (result) == NULL)
    return;
  told = TRUE;
  program_complain ("%s: fp16 had no room for numbers of layer %s, which were clamped; --precision fp32 has",
                    model->name, cbam_result_get_clamped (result));
}
