/* What people marked in a picture: XML in which only these elements matter,
 *
 *     <annotation> <filename>, <size> <width> <height>,
 *                  <object> <name>, <difficult>, <bndbox> <xmin> <ymin> <xmax> <ymax>
 *
 * at these places: a <part> of an object has a name and a box of its own, which are not looked at.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "annotation.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <math.h>
#include <string.h>

typedef enum
{
  OPTIONAL,
  REQUIRED,
} Need;

void
annotation_free (Annotation *annotation)
{
  if (annotation == NULL)
    return;
  g_array_unref (annotation->objects);
  g_free (annotation->filename);
  g_free (annotation);
}

static void G_GNUC_PRINTF (3, 4) refuse (GError **error, const xmlNode *where, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "line %ld: %s", xmlGetLineNo (where), text);
}

static gboolean
is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && strcmp ((const char *) node->name, name) == 0;
}

/* The one element of that name right below @parent; %NULL in @ret_child where there is none and need not be one. */
static gboolean
find_child (xmlNode *parent, const char *name, Need need, xmlNode **ret_child, GError **error)
{
  *ret_child = NULL;
  for (xmlNode *node = parent->children; node != NULL; node = node->next) {
    if (!is_element (node, name))
      continue;
    if (*ret_child != NULL) {
      refuse (error, node, "expected one <%s> in <%s>, found two", name, parent->name);
      return FALSE;
    }
    *ret_child = node;
  }
  if (*ret_child != NULL || need == OPTIONAL)
    return TRUE;
  refuse (error, parent, "expected a <%s> in <%s>, found none", name, parent->name);
  return FALSE;
}

/* The text of such an element, without blanks around it; "" where there is none. */
static gboolean
read_text (xmlNode *parent, const char *name, Need need, xmlNode **ret_child, char **ret_text, GError **error)
{
  if (!find_child (parent, name, need, ret_child, error))
    return FALSE;
  xmlChar *text = *ret_child != NULL ? xmlNodeGetContent (*ret_child) : NULL;
  *ret_text = g_strstrip (g_strdup (text != NULL ? (const char *) text : ""));
  xmlFree (text);
  return TRUE;
}

/* Decimal, with a point; no infinity, no hexadecimal. */
static gboolean
parse_number (const char *text, double *ret_value)
{
  char *end;
  *ret_value = g_ascii_strtod (text, &end);
  return end != text && *end == '\0' && strspn (text, "+-.0123456789eE") == strlen (text) && isfinite (*ret_value);
}

static gboolean
read_number (xmlNode *parent, const char *name, double *ret_value, GError **error)
{
  xmlNode *node;
  g_autofree char *text = NULL;
  if (!read_text (parent, name, REQUIRED, &node, &text, error))
    return FALSE;
  if (parse_number (text, ret_value))
    return TRUE;
  refuse (error, node, "<%s>: expected a number of pixels, found '%s'", name, text);
  return FALSE;
}

static gboolean
is_one_of (const char *text, const char *const *words)
{
  for (; *words != NULL; words++)
    if (g_ascii_strcasecmp (text, *words) == 0)
      return TRUE;
  return FALSE;
}

/* Tools write more than 0 and 1 here; what is not known is not difficult. */
static gboolean
read_difficult (xmlNode *object, gboolean *ret_is_difficult, GError **error)
{
  static const char *const no[] = { "", "false", "no", "unspecified", NULL }, *const yes[] = { "true", "yes", NULL };
  xmlNode *node;
  g_autofree char *text = NULL;
  if (!read_text (object, "difficult", OPTIONAL, &node, &text, error))
    return FALSE;
  double flag;
  const gboolean is_flag = parse_number (text, &flag) && (flag == 0 || flag == 1);
  *ret_is_difficult = is_flag ? flag == 1 : is_one_of (text, yes);
  if (is_flag || *ret_is_difficult || is_one_of (text, no))
    return TRUE;
  refuse (error, node, "<difficult>: expected 0 or 1, found '%s'", text);
  return FALSE;
}

static gboolean
read_box (xmlNode *object, VocBox *box, GError **error)
{
  xmlNode *node;
  if (!find_child (object, "bndbox", REQUIRED, &node, error) || !read_number (node, "xmin", &box->x0, error) ||
      !read_number (node, "ymin", &box->y0, error) || !read_number (node, "xmax", &box->x1, error) ||
      !read_number (node, "ymax", &box->y1, error))
    return FALSE;
  if (box->x1 > box->x0 - 1 && box->y1 > box->y0 - 1) /* the last pixel is inside, and may be a fraction of one */
    return TRUE;
  refuse (error, node, "<bndbox>: expected corners with an area between them, found %g, %g and %g, %g", box->x0,
          box->y0, box->x1, box->y1);
  return FALSE;
}

static gboolean
read_object (xmlNode *node, GHashTable *class_ids, VocObject *object, GError **error)
{
  xmlNode *name_node;
  g_autofree char *name = NULL;
  if (!read_text (node, "name", REQUIRED, &name_node, &name, error))
    return FALSE;
  if (*name == '\0') {
    refuse (error, name_node, "<name>: expected the name of a class, found none");
    return FALSE;
  }
  if (!read_difficult (node, &object->is_difficult, error) || !read_box (node, &object->box, error))
    return FALSE;

  guint id = GPOINTER_TO_UINT (g_hash_table_lookup (class_ids, name));
  if (id == 0) {
    id = g_hash_table_size (class_ids) + 1;
    g_hash_table_insert (class_ids, g_steal_pointer (&name), GUINT_TO_POINTER (id));
  }
  object->class_id = id - 1;
  return TRUE;
}

/* A side that is missing, empty or 0 says nothing: many tools write <size> so. */
static gboolean
read_side (xmlNode *size, const char *name, double *ret_value, GError **error)
{
  xmlNode *node;
  g_autofree char *text = NULL;
  *ret_value = 0;
  if (!read_text (size, name, OPTIONAL, &node, &text, error))
    return FALSE;
  if (*text == '\0' || (parse_number (text, ret_value) && *ret_value >= 0))
    return TRUE;
  refuse (error, node, "<%s>: expected a number of pixels, found '%s'", name, text);
  return FALSE;
}

static gboolean
read_size (xmlNode *root, Annotation *annotation, GError **error)
{
  xmlNode *size;
  if (!find_child (root, "size", OPTIONAL, &size, error))
    return FALSE;
  return size == NULL || (read_side (size, "width", &annotation->width, error) &&
                          read_side (size, "height", &annotation->height, error));
}

static gboolean
read_root (xmlNode *root, GHashTable *class_ids, Annotation *annotation, GError **error)
{
  xmlNode *node;
  g_autofree char *filename = NULL;
  if (!is_element (root, "annotation")) {
    refuse (error, root, "expected <annotation>, found <%s>", root->name);
    return FALSE;
  }
  if (!read_text (root, "filename", OPTIONAL, &node, &filename, error) || !read_size (root, annotation, error))
    return FALSE;
  g_strdelimit (filename, "\\", '/');
  const char *slash = strrchr (filename, '/');
  annotation->filename = g_strdup (slash != NULL ? slash + 1 : filename);

  for (node = root->children; node != NULL; node = node->next) {
    VocObject object;
    if (!is_element (node, "object"))
      continue;
    if (!read_object (node, class_ids, &object, error))
      return FALSE;
    g_array_append_val (annotation->objects, object);
  }
  return TRUE;
}

/* Entities of a document's own are how a small file becomes a large one, and no tool writes them here. */
static const xmlNode *
find_entity (const xmlNode *first)
{
  for (const xmlNode *node = first; node != NULL; node = node->next) {
    if (node->type == XML_ENTITY_DECL || node->type == XML_ENTITY_REF_NODE)
      return node;
    const gboolean has_children = node->type == XML_ELEMENT_NODE || node->type == XML_DTD_NODE;
    const xmlNode *found = has_children ? find_entity (node->children) : NULL;
    if (found != NULL)
      return found;
  }
  return NULL;
}

static xmlDoc *
parse (const char *xml, gsize length, GError **error)
{
  xmlParserCtxt *context = xmlNewParserCtxt ();
  xmlDoc *document =
      length <= G_MAXINT
          ? xmlCtxtReadMemory (context, xml, (int) length, NULL, NULL,
                               XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES)
          : NULL;
  const xmlNode *entity = document != NULL ? find_entity (document->children) : NULL;
  if (document == NULL) {
    const xmlError *cause = xmlCtxtGetLastError (context);
    g_autofree char *text = g_strchomp (g_strdup (cause != NULL ? cause->message : "it cannot be parsed"));
    g_set_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE, "line %d: expected XML: %s",
                 cause != NULL ? cause->line : 1, text);
  } else if (entity != NULL) {
    refuse (error, entity, "expected no entities but XML's own, found '%s'", entity->name);
    g_clear_pointer (&document, xmlFreeDoc);
  }
  xmlFreeParserCtxt (context);
  return document;
}

Annotation *
annotation_read (const char *path, GHashTable *class_ids, GError **error)
{
  g_autofree char *xml = NULL;
  gsize length;
  if (!g_file_get_contents (path, &xml, &length, error))
    return NULL;

  g_autoptr (Annotation) annotation = g_new0 (Annotation, 1);
  annotation->objects = g_array_new (FALSE, FALSE, sizeof (VocObject));
  xmlDoc *document = parse (xml, length, error);
  const gboolean ok = document != NULL && read_root (xmlDocGetRootElement (document), class_ids, annotation, error);
  if (document != NULL)
    xmlFreeDoc (document);
  if (ok)
    return g_steal_pointer (&annotation);
  g_prefix_error (error, "%s, ", path);
  return NULL;
}
