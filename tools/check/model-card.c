/* ModelCard: what a model file says of itself, and what the file is. models/README.md describes the format.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model-card.h"

#include <cbamdetect/describe.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* The object that is the whole of @text, or %NULL. */
static JsonObject *
parse_object (const char *text, gssize length)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, text, length, NULL))
    return NULL;
  JsonNode *root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_dup_object (root) : NULL;
}

/* The document of a file's @content, which lies in its header's metadata, or %NULL. */
static JsonObject *
read_document (const char *content, gsize size)
{
  guint64 length;
  if (size < sizeof length)
    return NULL;
  memcpy (&length, content, sizeof length);
  length = GUINT64_FROM_LE (length);
  if (length > size - sizeof length)
    return NULL;

  g_autoptr (JsonObject) header = parse_object (content + sizeof length, (gssize) length);
  if (header == NULL || !json_object_has_member (header, "__metadata__"))
    return NULL;
  JsonObject *metadata = json_object_get_object_member (header, "__metadata__");
  return parse_object (json_object_get_string_member_with_default (metadata, "cbamdetect", "null"), -1);
}

static char *
describe_network (JsonObject *network)
{
  GString *text = g_string_new (json_object_get_string_member_with_default (network, "detector", "?"));
  const double width = json_object_get_double_member_with_default (network, "width", 1);
  g_string_append_printf (text, " on %s", json_object_get_string_member_with_default (network, "backbone", "?"));
  if (width != 1)
    g_string_append_printf (text, ", width %g", width);
  if (json_object_has_member (network, "attention") &&
      !json_node_is_null (json_object_get_member (network, "attention"))) {
    JsonObject *attention = json_object_get_object_member (network, "attention");
    g_string_append_printf (text, ", attention %s",
                            json_object_get_string_member_with_default (attention, "kind", "none"));
  }
  return g_string_free (text, FALSE);
}

/* Background and gaps are in the list and are never reported. */
static char *
describe_classes (JsonArray *classes, guint *ret_n)
{
  const char *first = NULL, *last = NULL;
  guint n = 0;
  for (guint i = 0; i < json_array_get_length (classes); i++) {
    const char *name = json_array_get_string_element (classes, i);
    if ((i == 0 && g_strcmp0 (name, "background") == 0) || g_strcmp0 (name, "???") == 0)
      continue;
    first = first != NULL ? first : name;
    last = name;
    n++;
  }
  *ret_n = n;
  if (n < 2)
    return g_strdup_printf ("%u class%s%s", n, n == 1 ? ", " : "es", n == 1 ? first : "");
  return g_strdup_printf ("%u classes, %s to %s", n, first, last);
}

/* The object of that name, or %NULL: what is for people may be anything. */
static JsonObject *
get_object (JsonObject *parent, const char *name)
{
  JsonNode *node = parent != NULL ? json_object_get_member (parent, name) : NULL;
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* A text that says something, or %NULL. */
static char *
dup_text (JsonObject *parent, const char *name)
{
  JsonNode *node = parent != NULL ? json_object_get_member (parent, name) : NULL;
  const gboolean is_text = node != NULL && json_node_get_value_type (node) == G_TYPE_STRING;
  return is_text && *json_node_get_string (node) != '\0' ? json_node_dup_string (node) : NULL;
}

/* A number within limits, or @missing. */
static double
get_number (JsonObject *parent, const char *name, double high, double missing)
{
  JsonNode *node = parent != NULL ? json_object_get_member (parent, name) : NULL;
  const GType type = node != NULL ? json_node_get_value_type (node) : G_TYPE_INVALID;
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return missing;
  const double value = json_node_get_double (node);
  return value >= 0 && value <= high ? value : missing;
}

static void
fill_provenance (ModelCard *card, JsonObject *provenance)
{
  JsonObject *metrics = get_object (provenance, "metrics");
  card->licence = dup_text (provenance, "license");
  if (card->licence != NULL && g_str_has_prefix (card->licence, "unknown")) /* what tools/train writes for none */
    g_clear_pointer (&card->licence, g_free);
  card->measured_on = dup_text (metrics, "set");
  card->measured_count = (guint) get_number (metrics, "pictures", G_MAXUINT, 0);
  card->map_11point = get_number (metrics, "map_11point", 1, NAN);
  card->map_area = get_number (metrics, "map_area", 1, NAN);
  card->map_50_95 = get_number (metrics, "map_50_95", 1, NAN);
}

/* The library has read the document before, so what it demands is there. */
static void
fill_from_document (ModelCard *card, JsonObject *document)
{
  JsonObject *input = json_object_get_object_member (document, "input");
  JsonObject *output = json_object_get_object_member (document, "output");
  card->format = (int) json_object_get_int_member (document, "version");
  card->width = (guint) json_object_get_int_member (input, "width");
  card->height = (guint) json_object_get_int_member (input, "height");
  card->network = describe_network (json_object_get_object_member (document, "network"));
  card->classes = describe_classes (json_object_get_array_member (output, "classes"), &card->n_classes);
  fill_provenance (card, get_object (document, "provenance"));
}

ModelCard *
model_card_read (const char *path, GError **error)
{
  g_autoptr (ModelCard) card = g_new0 (ModelCard, 1);
  card->path = g_canonicalize_filename (path, NULL); /* so that no preset has that name */
  g_autoptr (CbamDescription) description = cbam_describe (card->path, error);
  if (description == NULL)
    return NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (card->path, FALSE, error);
  if (file == NULL)
    return NULL;

  const char *content = g_mapped_file_get_contents (file);
  card->name = g_strdup (cbam_description_get_name (description));
  card->parameters = cbam_description_get_parameters (description);
  card->bytes = g_mapped_file_get_length (file);
  card->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content, card->bytes);
  g_autoptr (JsonObject) document = read_document (content, card->bytes);
  if (document == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: the file changed while it was read", card->path);
    return NULL;
  }
  fill_from_document (card, document);
  return g_steal_pointer (&card);
}

void
model_card_free (ModelCard *card)
{
  if (card == NULL)
    return;
  g_free (card->path);
  g_free (card->name);
  g_free (card->network);
  g_free (card->classes);
  g_free (card->sha256);
  g_free (card->licence);
  g_free (card->measured_on);
  g_free (card);
}
