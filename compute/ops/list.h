/* All ops: NAME is compute/ops/NAME.c with its cbam_op_NAME. Meson reads these lines too.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

CBAM_OP (preprocess)
CBAM_OP (conv)
CBAM_OP (depthwise)
CBAM_OP (deconv)
CBAM_OP (depthwise_deconv)
CBAM_OP (batch_norm)
CBAM_OP (activation)
CBAM_OP (sigmoid)
CBAM_OP (add)
CBAM_OP (multiply)
CBAM_OP (concat)
CBAM_OP (global_pool)
CBAM_OP (channel_pool)
CBAM_OP (channel_gate)
CBAM_OP (cbam)
CBAM_OP (resize)
CBAM_OP (turn)
CBAM_OP (max_pool)
CBAM_OP (l2_norm)
CBAM_OP (detect)
