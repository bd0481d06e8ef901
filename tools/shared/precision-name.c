/* By the library's own words for the values.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "precision-name.h"

const char *
precision_name (CbamPrecision precision)
{
  g_autoptr (GEnumClass) words = g_type_class_ref (CBAM_TYPE_PRECISION);

  return g_enum_get_value (words, (int) precision)->value_nick;
}
