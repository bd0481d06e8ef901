/* ModelCard: what a model file says of itself, and what the file is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/describe.h>

G_BEGIN_DECLS

typedef struct
{
  CbamDescription *description; /* owns @info */
  const CbamModelInfo *info;    /* its origin is the file's absolute path */
  char *network;                /* "stairnet on shufflenet_v2, width 1.5, attention cbam" */
  char *classes;                /* "20 classes, aeroplane to tvmonitor" */
  guint n_classes;              /* that are reported */
  guint64 bytes;
  char *sha256; /* of the whole file, in small hexadecimal digits */
} ModelCard;

/* The library reads the file first, without a device, and its error is the answer where the file is bad. */
ModelCard *model_card_read (const char *path, GError **error);
void model_card_free (ModelCard *card);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModelCard, model_card_free)

G_END_DECLS
