/* All backbones: CBAM_BACKBONE (FILE, NAME) is cbam_backbone_NAME in compute/nets/FILE.c. Meson reads these lines too.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

CBAM_BACKBONE (vgg16, vgg16)
CBAM_BACKBONE (mobilenet_v1, mobilenet_v1)
CBAM_BACKBONE (mobilenet_v2, mobilenet_v2)
CBAM_BACKBONE (mobilenet_v3, mobilenet_v3)
CBAM_BACKBONE (shufflenet_v2, shufflenet_v2)
CBAM_BACKBONE (resnet, resnet)
CBAM_BACKBONE (efficientnet_lite, efficientnet_lite0)
CBAM_BACKBONE (efficientnet_lite, efficientnet_lite1)
CBAM_BACKBONE (efficientnet_lite, efficientnet_lite2)
CBAM_BACKBONE (efficientnet_lite, efficientnet_lite3)
CBAM_BACKBONE (efficientnet_lite, efficientnet_lite4)
CBAM_BACKBONE (ghostnet, ghostnet)
