/* A model file's document from its text.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "nets/spec.h"

/* @where names the file in messages ("m.safetensors: network.backbone: expected one of vgg16, mobilenet_v1, found
 * \"resnet\""). CBAM_ERROR_BAD_MODEL. */
CbamSpec *cbam_spec_parse (const char *where, const char *json, GError **error);
