/* SSD's neck (Liu et al. 2016, arXiv 1512.02325): none. What the heads of a level see is its source.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "nets/nets.h"

static void
build (CbamNet *net)
{
  for (guint l = 0; l < net->spec->network.levels; l++)
    net->levels->levels[l].features = net->sources[l];
}

const CbamNeck cbam_neck_ssd = { .name = "ssd", .build = build };
