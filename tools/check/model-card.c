/* ModelCard: what a model file says of itself, in words, and what the file is. models/README.md describes the format.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model-card.h"

static char *
describe_network (const CbamModelInfo *info)
{
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "%s on %s", info->detector != NULL ? info->detector : "classifier", info->backbone);
  if (info->width != 1)
    g_string_append_printf (text, ", width %g", info->width);
  if (info->attention != NULL)
    g_string_append_printf (text, ", attention %s", info->attention);
  return g_string_free (text, FALSE);
}

static char *
describe_classes (const CbamModelInfo *info, guint *ret_n)
{
  const char *first = NULL, *last = NULL;
  guint n = 0;
  for (guint i = 0; i < info->n_classes; i++) {
    const char *label = cbam_model_info_get_label (info, i);
    if (label == NULL)
      continue;
    first = first != NULL ? first : label;
    last = label;
    n++;
  }
  *ret_n = n;
  if (n < 2)
    return g_strdup_printf ("%u class%s%s", n, n == 1 ? ", " : "es", n == 1 ? first : "");
  return g_strdup_printf ("%u classes, %s to %s", n, first, last);
}

ModelCard *
model_card_read (const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL); /* so that no preset has that name */
  g_autoptr (ModelCard) card = g_new0 (ModelCard, 1);
  card->description = cbam_describe (absolute, error);
  if (card->description == NULL)
    return NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (absolute, FALSE, error);
  if (file == NULL)
    return NULL;

  card->info = cbam_description_get_info (card->description);
  card->network = describe_network (card->info);
  card->classes = describe_classes (card->info, &card->n_classes);
  card->bytes = g_mapped_file_get_length (file);
  card->sha256 =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) g_mapped_file_get_contents (file), card->bytes);
  return g_steal_pointer (&card);
}

void
model_card_free (ModelCard *card)
{
  if (card == NULL)
    return;
  cbam_description_unref (card->description);
  g_free (card->network);
  g_free (card->classes);
  g_free (card->sha256);
  g_free (card);
}
