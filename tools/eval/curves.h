/* Precision-recall curves as SVG pictures.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "average-precision.h"

G_BEGIN_DECLS

/* Writes into @folder, which is made where it is missing, class-NAME.svg for each class that has objects (what a file's
 * name cannot hold is written as %XX) and overview.svg with all of them. A dot marks @threshold. */
gboolean curves_write (const char *folder, const Evaluation *evaluation, const char *const *classes, double threshold,
                       GError **error);

G_END_DECLS
