/* The word that --precision takes.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

G_BEGIN_DECLS

const char *precision_name (CbamPrecision precision);

G_END_DECLS
