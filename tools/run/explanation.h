/* Explanations: which maps of a result --attention and --grad-cam draw.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/info.h>
#include <heatmap.h>

G_BEGIN_DECLS

typedef enum
{
  EXPLAIN_NOTHING,
  EXPLAIN_ATTENTION_LEVEL,  /* attention at one level */
  EXPLAIN_ATTENTION_MEAN,   /* the mean of all levels */
  EXPLAIN_ATTENTION_MAX,    /* the largest of all levels */
  EXPLAIN_ATTENTION_LEVELS, /* every level on a picture of its own */
  EXPLAIN_GRAD_CAM,
} ExplanationKind;

typedef struct
{
  ExplanationKind kind;
  guint number; /* the level, or how many detections Grad-CAM explains */
} Explanation;

/* What --attention takes: mean, max, levels or the number of a level. */
gboolean explanation_parse_attention (const char *which, Explanation *explanation);

/* Whether a network has the attention that was asked for. */
gboolean explanation_check_attention (const Explanation *explanation, const CbamModelInfo *info, gboolean is_drawn,
                                      GError **error);

/* What to draw, as HeatMaps: none, one over the picture, or one for each of several copies. They are good as long as
 * @result lives. */
GPtrArray *explanation_heat_maps (const Explanation *explanation, const CbamResult *result);

G_END_DECLS
