/* The plugin `cbamdetect`: registers the elements, with or without a Vulkan driver on this machine.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamclassify.h"
#include "gstcbamdetect.h"
#include "gstcbamjson.h"
#include "gstcbamoverlay.h"
#include "meta/gstcbamattentionmeta.h"
#include "meta/gstcbamregionmeta.h"

#include <cbamdetect/version.h>

/* A driver that comes or goes makes GStreamer look at the plugin again, wherever the Vulkan loader would find its
 * manifest: "Driver Discovery on Linux" in the loader's LoaderDriverInterface.md. */
static void
depend_on_drivers (GstPlugin *plugin)
{
  /* Manifests themselves, or folders of them: a list of paths. */
  static const char *const paths[] = { "VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", NULL };
  /* Lists of paths that come before "/vulkan/icd.d", and what stands for them where they are unset: folders of the
   * home folder, and others. */
  static const char *const variables[] = { "XDG_CONFIG_HOME/vulkan/icd.d",
                                           "XDG_CONFIG_DIRS/vulkan/icd.d",
                                           "XDG_DATA_HOME/vulkan/icd.d",
                                           "XDG_DATA_DIRS/vulkan/icd.d",
                                           "HOME/.config/vulkan/icd.d",
                                           "HOME/.local/share/vulkan/icd.d",
                                           NULL };
  static const char *const folders[] = { "/etc/xdg/vulkan/icd.d",       "/etc/vulkan/icd.d",
                                         "/usr/local/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d",
                                         "/usr/share/vulkan/icd.d",     NULL };
  static const char *const suffixes[] = { ".json", NULL };

  gst_plugin_add_dependency (plugin, (const char **) paths, NULL, NULL, GST_PLUGIN_DEPENDENCY_FLAG_NONE);
  gst_plugin_add_dependency (plugin, (const char **) variables, (const char **) folders, (const char **) suffixes,
                             GST_PLUGIN_DEPENDENCY_FLAG_FILE_NAME_IS_SUFFIX);
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  depend_on_drivers (plugin);
  gst_cbam_attention_meta_register ();
  gst_cbam_regions_meta_register ();
  return GST_ELEMENT_REGISTER (cbamdetect, plugin) && GST_ELEMENT_REGISTER (cbamclassify, plugin) &&
         GST_ELEMENT_REGISTER (cbamoverlay, plugin) && GST_ELEMENT_REGISTER (cbamjson, plugin);
}

#define PACKAGE "cbamdetect" /* GST_PLUGIN_DEFINE wants it */
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, cbamdetect, "Object detection with CBAM networks on Vulkan",
                   plugin_init, CBAM_VERSION, "LGPL", PACKAGE, PACKAGE)
