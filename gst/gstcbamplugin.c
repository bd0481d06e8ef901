/* The plugin `cbamdetect`: registers the elements, with or without a Vulkan driver on this machine.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamattentionmeta.h"
#include "gstcbamdetect.h"
#include "gstcbamjson.h"
#include "gstcbamoverlay.h"
#include "gstcbamregionmeta.h"

/* A driver that comes or goes makes GStreamer look at the plugin again. */
static void
depend_on_drivers (GstPlugin *plugin)
{
  static const char *const variables[] = { "VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", NULL };
  static const char *const folders[] = { "/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d",
                                         "/usr/local/share/vulkan/icd.d", "/usr/local/etc/vulkan/icd.d", NULL };
  static const char *const suffixes[] = { ".json", NULL };

  gst_plugin_add_dependency (plugin, (const char **) variables, NULL, NULL, GST_PLUGIN_DEPENDENCY_FLAG_NONE);
  gst_plugin_add_dependency (plugin, NULL, (const char **) folders, (const char **) suffixes,
                             GST_PLUGIN_DEPENDENCY_FLAG_FILE_NAME_IS_SUFFIX);
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  depend_on_drivers (plugin);
  gst_cbam_attention_meta_register ();
  gst_cbam_regions_meta_register ();
  return GST_ELEMENT_REGISTER (cbamdetect, plugin) && GST_ELEMENT_REGISTER (cbamoverlay, plugin) &&
         GST_ELEMENT_REGISTER (cbamjson, plugin);
}

#define PACKAGE "cbamdetect" /* GST_PLUGIN_DEFINE wants it */
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, cbamdetect, "Object detection with CBAM networks on Vulkan",
                   plugin_init, CBAM_VERSION, "LGPL", PACKAGE, PACKAGE)
