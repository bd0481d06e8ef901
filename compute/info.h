/* CbamModelInfo as the library fills it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/info.h>

#include "engine/graph.h"
#include "nets/spec.h"

/* What @spec and the graph of its recipe, unfused, say of a network; @origin is the file's path or what stands for it.
 * What depends on a device is left at 0. */
CbamModelInfo *cbam_model_info_new (const CbamSpec *spec, const CbamGraph *graph, const char *origin);
