/* What gst-inspect-1.0 prints of the elements, which is the first thing that anybody reads of them: every property
 * explains itself, in one style, and is what it says it is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "support.h"

#define MUTABLE (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PAUSED | GST_PARAM_MUTABLE_PLAYING)
#define LEAST_WORDS 5

/* (element-type GstElement): one of each that the plugin has. */
static GPtrArray *
all_elements (void)
{
  GPtrArray *elements = g_ptr_array_new_with_free_func (gst_object_unref);
  GList *features = gst_registry_get_feature_list_by_plugin (gst_registry_get (), "cbamdetect");

  for (GList *at = features; at != NULL; at = at->next) {
    if (!GST_IS_ELEMENT_FACTORY (at->data))
      continue;
    GstElement *element = gst_element_factory_create (at->data, NULL);
    fail_unless (element != NULL);
    g_ptr_array_add (elements, gst_object_ref_sink (element));
  }
  gst_plugin_feature_list_free (features);
  fail_unless (elements->len >= 3);
  return elements;
}

typedef void (*Check) (GstElement *element, GParamSpec *spec, const char *name);

/* Walks the properties that the elements have of their own. @name, for messages, is `element.property`. */
static void
walk_properties (Check check)
{
  g_autoptr (GPtrArray) elements = all_elements ();

  for (guint e = 0; e < elements->len; e++) {
    GstElement *element = elements->pdata[e];
    guint n, own = 0;
    g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
    for (guint i = 0; i < n; i++) {
      if (specs[i]->owner_type != G_OBJECT_TYPE (element))
        continue;
      g_autofree char *name = g_strdup_printf ("%s.%s", G_OBJECT_TYPE_NAME (element), specs[i]->name);
      check (element, specs[i], name);
      own++;
    }
    fail_unless (own > 0);
  }
}

static guint
count_words (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  return g_strv_length (words);
}

/* Sentences with a capital at the start and no full stop at the end; lines are broken by whoever prints them. */
static void
check_blurb (G_GNUC_UNUSED GstElement *element, GParamSpec *spec, const char *name)
{
  const char *blurb = g_param_spec_get_blurb (spec), *nick = g_param_spec_get_nick (spec);

  fail_unless (nick != NULL && g_ascii_isupper (*nick), "%s: nick \"%s\"", name, nick);
  fail_unless (blurb != NULL && count_words (blurb) >= LEAST_WORDS, "%s: \"%s\"", name, blurb);
  fail_unless (g_ascii_isupper (*blurb) || *blurb == '"', "%s: \"%s\"", name, blurb);
  fail_if (g_str_has_suffix (blurb, ".") || g_str_has_suffix (blurb, " "), "%s: \"%s\"", name, blurb);
  fail_if (strchr (blurb, '\n') != NULL || strstr (blurb, "  ") != NULL, "%s: \"%s\"", name, blurb);
}

GST_START_TEST (blurbs_are_sentences)
{
  walk_properties (check_blurb);
}
GST_END_TEST

/* What stands at the end of the range means something of its own, which must be said; and so must a range that numbers
 * of this kind do not have by themselves. */
static void
check_numbers (G_GNUC_UNUSED GstElement *element, GParamSpec *spec, const char *name)
{
  const char *blurb = g_param_spec_get_blurb (spec);

  if (G_IS_PARAM_SPEC_DOUBLE (spec)) {
    const GParamSpecDouble *number = G_PARAM_SPEC_DOUBLE (spec);
    fail_unless (number->maximum == 1 && number->minimum >= -1, "%s", name);
    fail_unless (strstr (blurb, "0..1") != NULL || strstr (blurb, "-1..1") != NULL, "%s: \"%s\"", name, blurb);
    /* Either all of it is one range, or what is below it means something of its own. */
    fail_unless (number->minimum >= 0 || strstr (blurb, "-1..1") != NULL || strstr (blurb, "-1 = ") != NULL,
                 "%s: \"%s\"", name, blurb);
  }
  if (G_IS_PARAM_SPEC_INT (spec))
    fail_unless (G_PARAM_SPEC_INT (spec)->minimum >= 0 || strstr (blurb, "-1 = ") != NULL, "%s: \"%s\"", name, blurb);
  if (G_IS_PARAM_SPEC_UINT (spec)) {
    const GParamSpecUInt *number = G_PARAM_SPEC_UINT (spec);
    g_autofree char *range = g_strdup_printf ("%u..%u", number->minimum, number->maximum);
    fail_unless (number->maximum >= G_MAXINT || strstr (blurb, range) != NULL, "%s: \"%s\"", name, blurb);
    fail_unless (number->minimum > 0 || strstr (blurb, "0 = ") != NULL, "%s: \"%s\"", name, blurb);
  }
  if (G_IS_PARAM_SPEC_STRING (spec) && G_PARAM_SPEC_STRING (spec)->default_value == NULL)
    fail_unless (strstr (blurb, "Unset = ") != NULL, "%s: \"%s\"", name, blurb);
}

GST_START_TEST (blurbs_explain_special_values)
{
  walk_properties (check_numbers);
}
GST_END_TEST

static gboolean
is_small (char c)
{
  return g_ascii_islower (c) || g_ascii_isdigit (c);
}

/* Choices are named in small letters or numbers, and explained. */
static void
check_choices (G_GNUC_UNUSED GstElement *element, GParamSpec *spec, const char *name)
{
  if (G_IS_PARAM_SPEC_ENUM (spec)) {
    const GEnumClass *class = G_PARAM_SPEC_ENUM (spec)->enum_class;
    for (guint i = 0; i < class->n_values; i++)
      fail_unless (is_small (*class->values[i].value_nick) && g_ascii_isupper (*class->values[i].value_name),
                   "%s: %s, \"%s\"", name, class->values[i].value_nick, class->values[i].value_name);
  }
  if (G_IS_PARAM_SPEC_FLAGS (spec)) {
    const GFlagsClass *class = G_PARAM_SPEC_FLAGS (spec)->flags_class;
    for (guint i = 0; i < class->n_values; i++)
      fail_unless (is_small (*class->values[i].value_nick) && g_ascii_isupper (*class->values[i].value_name),
                   "%s: %s, \"%s\"", name, class->values[i].value_nick, class->values[i].value_name);
  }
}

GST_START_TEST (choices_have_names)
{
  walk_properties (check_choices);
}
GST_END_TEST

/* Whether a property may be set while the element runs is one of three things, and none where it cannot be set. */
static void
check_flags (G_GNUC_UNUSED GstElement *element, GParamSpec *spec, const char *name)
{
  const guint states = spec->flags & MUTABLE;

  fail_unless (spec->flags & G_PARAM_READABLE, "%s", name);
  if (spec->flags & G_PARAM_WRITABLE)
    fail_unless (states != 0 && (states & (states - 1)) == 0, "%s: mutable flags %x", name, states);
  else
    fail_unless (states == 0, "%s: mutable flags %x", name, states);
}

GST_START_TEST (properties_say_when_they_change)
{
  walk_properties (check_flags);
}
GST_END_TEST

/* The default is one of the values there may be, and what a new element has. */
static void
check_default (GstElement *element, GParamSpec *spec, const char *name)
{
  GValue value = G_VALUE_INIT;

  if (!(spec->flags & G_PARAM_WRITABLE))
    return;
  g_value_init (&value, spec->value_type);
  g_param_value_set_default (spec, &value);
  fail_if (g_param_value_validate (spec, &value), "%s: the default is out of range", name);
  g_object_get_property (G_OBJECT (element), spec->name, &value);
  fail_unless (g_param_value_defaults (spec, &value), "%s: a new element has something else", name);
  g_value_unset (&value);
}

GST_START_TEST (defaults_are_what_they_say)
{
  walk_properties (check_default);
}
GST_END_TEST

GST_START_TEST (elements_introduce_themselves)
{
  static const char *const keys[] = { GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
                                      GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR };
  g_autoptr (GPtrArray) elements = all_elements ();

  for (guint e = 0; e < elements->len; e++) {
    GstElementFactory *factory = gst_element_get_factory (elements->pdata[e]);
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
      const char *text = gst_element_factory_get_metadata (factory, keys[i]);
      fail_unless (text != NULL && strlen (text) > 8, "%s: %s", GST_OBJECT_NAME (factory), keys[i]);
    }
    fail_unless_equals_int (gst_element_factory_get_num_pad_templates (factory), 2);
  }
}
GST_END_TEST

int
main (int argc, char **argv)
{
  gst_check_init (&argc, &argv);
  TCase *tests = tcase_create ("inspect");
  tcase_add_test (tests, blurbs_are_sentences);
  tcase_add_test (tests, blurbs_explain_special_values);
  tcase_add_test (tests, choices_have_names);
  tcase_add_test (tests, properties_say_when_they_change);
  tcase_add_test (tests, defaults_are_what_they_say);
  tcase_add_test (tests, elements_introduce_themselves);
  return run_suite (tests);
}
