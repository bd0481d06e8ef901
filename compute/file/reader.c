/* Reading a JSON document value by value.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/reader.h"

#include <math.h>
#include <string.h>

/* ---- Items ------------------------------------------------------------------------------------------------------ */

void
cbam_item_fail (const CbamItem *item, const char *expected, ...)
{
  CbamReader *reader = item->reader;
  g_autofree char *wanted = NULL;
  g_autofree char *shown = NULL;
  va_list args;

  if (reader->error != NULL)
    return;
  va_start (args, expected);
  wanted = g_strdup_vprintf (expected, args);
  va_end (args);
  shown = cbam_json_describe (item->node);
  reader->error = g_error_new (CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: %s: expected %s, found %s", reader->where,
                               item->path, wanted, shown);
}

CbamItem
cbam_item_get (const CbamItem *object, const char *key)
{
  CbamItem item = { .reader = object->reader };

  g_snprintf (item.path, sizeof item.path, "%s%s%s", object->path, object->path[0] == '\0' ? "" : ".", key);
  if (object->node != NULL && object->reader->error == NULL)
    item.node = json_object_get_member (json_node_get_object (object->node), key);
  if (item.node != NULL && JSON_NODE_HOLDS_NULL (item.node))
    item.node = NULL;
  return item;
}

CbamItem
cbam_item_nth (const CbamItem *list, guint i)
{
  CbamItem item = { list->reader, json_array_get_element (json_node_get_array (list->node), i), "" };

  g_snprintf (item.path, sizeof item.path, "%s[%u]", list->path, i);
  return item;
}

guint
cbam_item_length (const CbamItem *list)
{
  return list->node != NULL ? json_array_get_length (json_node_get_array (list->node)) : 0;
}

gboolean
cbam_item_lacks (const CbamItem *object, const CbamItem *member)
{
  return member->node == NULL && object->node != NULL && object->reader->error == NULL;
}

static gboolean
holds (const CbamItem *item, GType type)
{
  return item->node != NULL && JSON_NODE_HOLDS_VALUE (item->node) && json_node_get_value_type (item->node) == type;
}

static gboolean
holds_number (const CbamItem *item)
{
  return holds (item, G_TYPE_INT64) || holds (item, G_TYPE_DOUBLE);
}

/* A string that is not empty, and text: escapes can make bytes that are none. */
static gboolean
holds_text (const CbamItem *item)
{
  return holds (item, G_TYPE_STRING) && json_node_get_string (item->node)[0] != '\0' &&
         g_utf8_validate (json_node_get_string (item->node), -1, NULL);
}

guint
cbam_item_to_uint (CbamItem item, guint low, guint high)
{
  const double value = holds_number (&item) ? json_node_get_double (item.node) : NAN;

  if (value >= low && value <= high && value == floor (value))
    return (guint) value;
  if (low == high)
    cbam_item_fail (&item, "%u", low);
  else
    cbam_item_fail (&item, "a whole number from %u to %u", low, high);
  return low;
}

double
cbam_item_to_double (CbamItem item, const CbamInterval *interval)
{
  const double value = holds_number (&item) ? json_node_get_double (item.node) : NAN;
  char low[G_ASCII_DTOSTR_BUF_SIZE], high[G_ASCII_DTOSTR_BUF_SIZE];

  /* NaN fails both comparisons. */
  if ((interval->above_low ? value > interval->low : value >= interval->low) && value <= interval->high)
    return value;
  g_ascii_formatd (low, sizeof low, "%g", interval->low);
  g_ascii_formatd (high, sizeof high, "%g", interval->high);
  cbam_item_fail (&item, "a number %s %s and up to %s", interval->above_low ? "above" : "from", low, high);
  return interval->high;
}

int
cbam_item_to_word (CbamItem item, const char *const *words)
{
  g_autofree char *all = NULL;

  for (int i = 0; words[i] != NULL; i++)
    if (holds (&item, G_TYPE_STRING) && g_str_equal (words[i], json_node_get_string (item.node)))
      return i;
  all = g_strjoinv (", ", (char **) words);
  cbam_item_fail (&item, "one of %s", all);
  return 0;
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

/* Whether there is something at @item, or must be. */
static gboolean
is_due (const CbamItem *object, const CbamItem *item, gboolean required)
{
  return item->node != NULL || (required && cbam_item_lacks (object, item));
}

CbamItem
cbam_read_object (const CbamItem *object, const char *key, gboolean required)
{
  CbamItem item = cbam_item_get (object, key);

  if (item.node != NULL && JSON_NODE_HOLDS_OBJECT (item.node))
    return item;
  if (is_due (object, &item, required))
    cbam_item_fail (&item, "an object");
  item.node = NULL;
  return item;
}

CbamItem
cbam_read_list (const CbamItem *object, const char *key, const char *what, guint low, guint high, gboolean required)
{
  CbamItem item = cbam_item_get (object, key);

  if (!is_due (object, &item, required))
    return item;
  if (item.node != NULL && JSON_NODE_HOLDS_ARRAY (item.node) && cbam_item_length (&item) >= low &&
      cbam_item_length (&item) <= high)
    return item;
  if (low == high)
    cbam_item_fail (&item, "a list of %u %s", low, what);
  else
    cbam_item_fail (&item, "a list of %u to %u %s", low, high, what);
  item.node = NULL;
  return item;
}

guint
cbam_read_uint (const CbamItem *object, const char *key, guint low, guint high, int fallback)
{
  const CbamItem item = cbam_item_get (object, key);

  if (is_due (object, &item, fallback == CBAM_REQUIRED))
    return cbam_item_to_uint (item, low, high);
  return fallback == CBAM_REQUIRED ? low : (guint) fallback;
}

double
cbam_read_double (const CbamItem *object, const char *key, const CbamInterval *interval, double fallback)
{
  const CbamItem item = cbam_item_get (object, key);

  return item.node != NULL ? cbam_item_to_double (item, interval) : fallback;
}

gboolean
cbam_read_boolean (const CbamItem *object, const char *key, gboolean fallback)
{
  const CbamItem item = cbam_item_get (object, key);

  if (holds (&item, G_TYPE_BOOLEAN))
    return json_node_get_boolean (item.node);
  if (item.node != NULL)
    cbam_item_fail (&item, "true or false");
  return fallback;
}

int
cbam_read_word (const CbamItem *object, const char *key, const char *const *words, int fallback)
{
  const CbamItem item = cbam_item_get (object, key);

  if (is_due (object, &item, fallback == CBAM_REQUIRED))
    return cbam_item_to_word (item, words);
  return MAX (fallback, 0);
}

char *
cbam_read_string (const CbamItem *object, const char *key)
{
  const CbamItem item = cbam_item_get (object, key);

  if (holds_text (&item))
    return json_node_dup_string (item.node);
  if (item.node != NULL)
    cbam_item_fail (&item, "a string that is not empty");
  return NULL;
}

char **
cbam_read_strings (const CbamItem *object, const char *key, guint low, guint high, gboolean required)
{
  const CbamItem list = cbam_read_list (object, key, "names", low, high, required);
  GPtrArray *strings;

  if (list.node == NULL)
    return NULL;
  strings = g_ptr_array_new ();
  for (guint i = 0; i < cbam_item_length (&list); i++) {
    const CbamItem item = cbam_item_nth (&list, i);

    if (holds_text (&item))
      g_ptr_array_add (strings, json_node_dup_string (item.node));
    else
      cbam_item_fail (&item, "a name");
  }
  g_ptr_array_add (strings, NULL);
  return (char **) g_ptr_array_free (strings, FALSE);
}

void
cbam_read_floats (const CbamItem *object, const char *key, const CbamInterval *interval, float *values, guint n)
{
  const CbamItem list = cbam_read_list (object, key, "numbers", n, n, FALSE);

  for (guint i = 0; i < cbam_item_length (&list); i++)
    values[i] = (float) cbam_item_to_double (cbam_item_nth (&list, i), interval);
}

/* Pointers to structs of all types look the same, but C lets nobody read one as another. */
static gconstpointer
entry_of (gconstpointer table, guint i)
{
  gconstpointer entry;

  memcpy (&entry, (const guint8 *) table + i * sizeof entry, sizeof entry);
  return entry;
}

gconstpointer
cbam_read_entry (const CbamItem *object, const char *key, gconstpointer table, const char *none, gconstpointer fallback)
{
  const CbamItem item = cbam_item_get (object, key);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  guint chosen;

  if (!is_due (object, &item, none == NULL && fallback == NULL))
    return fallback;
  if (none != NULL)
    g_ptr_array_add (words, (char *) none);
  for (guint i = 0; entry_of (table, i); i++)
    g_ptr_array_add (words, *(char *const *) entry_of (table, i));
  g_ptr_array_add (words, NULL);
  chosen = (guint) cbam_item_to_word (item, (const char *const *) words->pdata);
  if (none == NULL)
    return entry_of (table, chosen);
  return chosen > 0 ? entry_of (table, chosen - 1) : NULL;
}
