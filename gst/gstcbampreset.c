/* Which properties a preset holds.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbampreset.h"

/* A path, a device and what that can do mean something else, or nothing, on the next machine. */
static gboolean
belongs_to_machine (const char *property)
{
  static const char *const names[] = { "model", "labels", "device", "cpu-threads", "precision", NULL };

  return g_strv_contains (names, property);
}

/* GstPreset's own list has the name and the parent of the element too. */
static char **
get_property_names (GstPreset *preset)
{
  const GType type = G_OBJECT_TYPE (preset);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (preset), &n);

  for (guint i = 0; i < n; i++)
    if (specs[i]->owner_type == type && (specs[i]->flags & G_PARAM_READWRITE) == G_PARAM_READWRITE &&
        !belongs_to_machine (specs[i]->name))
      g_strv_builder_add (names, specs[i]->name);
  return g_strv_builder_end (names);
}

void
gst_cbam_preset_init (gpointer iface, G_GNUC_UNUSED gpointer data)
{
  ((GstPresetInterface *) iface)->get_property_names = get_property_names;
}
