/* Weights for a preset, made up from a seed: for measuring and for tests.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"
#include "presets/presets.h"

/* Values are those of cbam_seeded_fill(). */
typedef struct
{
  CbamParamSource source;
  const CbamPreset *preset;
  guint32 seed;
} CbamPresetSource;

CbamPresetSource cbam_preset_source (const CbamPreset *preset, guint32 seed);
