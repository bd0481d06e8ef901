/* The library's version.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/version.h>

const char *
cbam_version (void)
{
  return CBAM_VERSION;
}
