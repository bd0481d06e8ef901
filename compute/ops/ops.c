/* The list of all ops, which fusions and tests walk.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/op.h"

#define CBAM_OP(name) extern const CbamOpClass cbam_op_##name;
#include "ops/list.h"
#undef CBAM_OP

const CbamOpClass *const cbam_ops[] = {
#define CBAM_OP(name) &cbam_op_##name,
#include "ops/list.h"
#undef CBAM_OP
  NULL,
};
