/* Reading lists of classes, and rectangles.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamselection.h"

#include <gst/gst.h>
#include <string.h>

static gboolean
same_label (const char *a, const char *b)
{
  g_autofree char *folded_a = g_utf8_casefold (a, -1), *folded_b = g_utf8_casefold (b, -1);

  return g_str_equal (folded_a, folded_b);
}

/* Sets the bits of every class that @word means. FALSE: none. */
static gboolean
select_classes (const char *word, const CbamModelInfo *info, guint32 classes[32])
{
  gboolean found = FALSE;
  guint64 number;

  for (guint k = 0; k < info->n_classes; k++) {
    const char *label = cbam_model_info_get_label (info, k);
    if (label == NULL || !same_label (label, word))
      continue;
    classes[k / 32] |= 1u << (k % 32);
    found = TRUE;
  }
  if (found || !g_ascii_string_to_unsigned (word, 10, 0, G_MAXUINT, &number, NULL) ||
      cbam_model_info_get_label (info, (guint) number) == NULL)
    return found;
  classes[number / 32] |= 1u << (number % 32);
  return TRUE;
}

static char *
list_labels (const CbamModelInfo *info)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint k = 0; k < info->n_classes; k++)
    if (cbam_model_info_get_label (info, k) != NULL)
      g_string_append_printf (list, "%s%s (%u)", list->len > 0 ? ", " : "", cbam_model_info_get_label (info, k), k);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

gboolean
gst_cbam_classes_parse (const char *text, const CbamModel *model, guint32 ret_classes[32], GError **error)
{
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", ",", -1);
  const CbamModelInfo *info = cbam_model_get_info (model);
  guint32 classes[32] = { 0 };

  for (guint i = 0; words[i] != NULL; i++) {
    const char *word = g_strstrip (words[i]);
    if (*word == '\0' || select_classes (word, info, classes))
      continue;
    g_autofree char *known = list_labels (info);
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                 "classes: the model %s does not know \"%s\"; it knows %s.", info->name, word, known);
    return FALSE;
  }
  memcpy (ret_classes, classes, sizeof classes);
  return TRUE;
}

gboolean
gst_cbam_region_parse (const char *text, CbamRegion *ret_region, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", ",", -1);
  guint64 numbers[4] = { 0 };
  gboolean good = g_strv_length (words) == 4;

  if (text == NULL || *text == '\0') {
    *ret_region = (CbamRegion){ 0 };
    return TRUE;
  }
  for (guint i = 0; good && i < 4; i++)
    good = g_ascii_string_to_unsigned (g_strstrip (words[i]), 10, i < 2 ? 0 : 1, G_MAXUINT16, &numbers[i], NULL);
  if (!good) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
                 "roi: \"%s\" is not \"x,y,width,height\": four whole numbers of pixels, of which the last two are "
                 "at least 1.",
                 text);
    return FALSE;
  }
  *ret_region = (CbamRegion){ (guint) numbers[0], (guint) numbers[1], (guint) numbers[2], (guint) numbers[3] };
  return TRUE;
}
