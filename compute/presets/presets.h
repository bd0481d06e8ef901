/* Networks known by name, for which weights can be made up: what papers describe, whole documents in the format of
 * models/README.md.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

typedef struct
{
  const char *name;
  /* What a file's weights say themselves: */
  guint head_kernel;        /* of loc and conf */
  guint neck_width;         /* StairNet's channels */
  guint post_kernel;        /* of its convolutions after the sum */
  gboolean neck_norm;       /* batch norms after its laterals and steps */
  gboolean depthwise_steps; /* its transposed convolutions */
  gboolean ten_extras;      /* VGG16's for 512 pixels */
  guint extra_kernel;       /* of the extras' depthwise convolutions, where those have some */
  gboolean extra_norm;      /* batch norms after the extras' convolutions, and no biases */
  guint laterals;           /* StairNet's, where not six */
  gboolean separable_posts; /* two of them a level, instead of one full convolution */
  gboolean folded;          /* biases instead of batch norms, everywhere */
  guint spatial_kernel;     /* of CBAM's spatial gates in blocks, where not 7 */

  /* Either of these. */
  const char *document;
  const char *classifier; /* members of the document's network */
  const char *input;      /* of a classifier that does not see what torchvision's do */
} CbamPreset;

/* All of them; ends with one whose name is NULL. */
extern const CbamPreset cbam_presets[];

/* NULL when there is none of that name. */
const CbamPreset *cbam_preset_find (const char *name);

/* Its document, the caller's to free. */
char *cbam_preset_get_document (const CbamPreset *preset);
