/* CbamReader: reads a JSON document top to bottom into C. Every value is read by its key with what may stand there, and
 * every message has one form: "m.safetensors: network.levels: expected a whole number from 1 to 8, found 9".
 *
 * The first error stays and nothing is read after it, so that readers have no branches for errors: once there is one,
 * everything counts as absent.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "file/json.h"

typedef struct
{
  const char *where; /* names the file in messages */
  GError *error;     /* CBAM_ERROR_BAD_MODEL, or NULL */
} CbamReader;

/* A value and where it stands. */
typedef struct _CbamItem
{
  CbamReader *reader;
  JsonNode *node; /* NULL = absent */
  char path[64];  /* "network.attention", "anchors.maps[1]"; "" is the document */
} CbamItem;

typedef struct
{
  double low, high;
  gboolean above_low; /* @low itself is out */
} CbamInterval;

#define CBAM_REQUIRED (-1) /* as a fallback: it must be there, unless the whole object is absent */

/* Fails with what was expected at @item; what was found is said behind it. */
void cbam_item_fail (const CbamItem *item, const char *expected, ...) G_GNUC_PRINTF (2, 3);

/* A member of an object, where a null counts as absent, and an entry of a list, where it does not. */
CbamItem cbam_item_get (const CbamItem *object, const char *key);
CbamItem cbam_item_nth (const CbamItem *list, guint i);
/* 0 for a list that is absent. */
guint cbam_item_length (const CbamItem *list);

/* Whether a member of @object is not there though it must be. */
gboolean cbam_item_lacks (const CbamItem *object, const CbamItem *member);

/* What is there, or an error and something valid. Words end with NULL; the number of one is its value. */
guint cbam_item_to_uint (CbamItem item, guint low, guint high); /* 300.0 counts as whole */
double cbam_item_to_double (CbamItem item, const CbamInterval *interval);
int cbam_item_to_word (CbamItem item, const char *const *words);

/* Members of @object, as absent where they are of another kind; a list has @low to @high entries of @what. */
CbamItem cbam_read_object (const CbamItem *object, const char *key, gboolean required);
CbamItem cbam_read_list (const CbamItem *object, const char *key, const char *what, guint low, guint high,
                         gboolean required);

/* Values of @object's members, @fallback where they are absent. Strings are (transfer full) and NULL where absent;
 * @values keep what they held. */
guint cbam_read_uint (const CbamItem *object, const char *key, guint low, guint high, int fallback);
double cbam_read_double (const CbamItem *object, const char *key, const CbamInterval *interval, double fallback);
gboolean cbam_read_boolean (const CbamItem *object, const char *key, gboolean fallback);
int cbam_read_word (const CbamItem *object, const char *key, const char *const *words, int fallback);
char *cbam_read_string (const CbamItem *object, const char *key);
char **cbam_read_strings (const CbamItem *object, const char *key, guint low, guint high, gboolean required);
void cbam_read_floats (const CbamItem *object, const char *key, const CbamInterval *interval, float *values, guint n);

/* What the member names of @table, a NULL-terminated list of pointers to structs that begin with their name; @fallback
 * where it is absent. @none is the word for NULL; where that is NULL too, NULL as a fallback says that it must be
 * there. */
gconstpointer cbam_read_entry (const CbamItem *object, const char *key, gconstpointer table, const char *none,
                               gconstpointer fallback);
