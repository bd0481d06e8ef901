/* ModelCard: what a model file says of itself, and what the file is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *path; /* absolute */
  char *name;
  char *network;       /* "stairnet on mobilenet_v1, width 0.75, attention cbam" */
  char *classes;       /* "20 classes, aeroplane to tvmonitor" */
  int format;          /* version of the file's document */
  guint n_classes;     /* that are reported */
  guint width, height; /* of the network's input, in pixels */
  guint64 parameters, bytes;
  char *sha256; /* of the whole file, in small hexadecimal digits */

  /* Where it comes from, as far as the file says that. */
  char *licence;                           /* or %NULL */
  char *measured_on;                       /* or %NULL */
  guint measured_count;                    /* pictures; 0 = the file does not say */
  double map_11point, map_area, map_50_95; /* mean average precisions, 0 to 1; NAN = not measured */
} ModelCard;

/* The library reads the file first, without a device, and its error is the answer where the file is bad. */
ModelCard *model_card_read (const char *path, GError **error);
void model_card_free (ModelCard *card);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModelCard, model_card_free)

G_END_DECLS
