/* A device, its sessions, and their words to the user.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamengine.h"

#define GST_CAT_DEFAULT gst_cbam_debug

void
gst_cbam_engine_init (GstCbamEngine *self, GstElement *element, const GstCbamEngineWords *words,
                      const GstCbamEngineTexts *texts, GstCbamAccept accept, gpointer data)
{
  self->element = element;
  self->words = words;
  gst_cbam_engine_settings_init (&self->settings, texts);
  g_mutex_init (&self->latency.lock);
  gst_cbam_switch_init (&self->sessions, element, &self->settings, &self->latency, words->task, accept, data);
}

void
gst_cbam_engine_clear (GstCbamEngine *self)
{
  gst_cbam_switch_clear (&self->sessions);
  g_mutex_clear (&self->latency.lock);
  gst_cbam_engine_settings_clear (&self->settings);
}

/* ---- States ---- */

/* The device that the property names now; the one that is open already, unless it has failed. */
static gboolean
open_device (GstCbamEngine *self, GError **error)
{
  GST_OBJECT_LOCK (self->element);
  g_autofree char *name = g_strdup (self->settings.device);
  const CbamDeviceConfig config = { .cpu_threads = self->settings.cpu_threads };
  GST_OBJECT_UNLOCK (self->element);

  CbamDevice *device = cbam_device_open_configured (name, &config, error);
  if (device == NULL)
    return FALSE;
  cbam_device_unref (self->device);
  self->device = device;
  GST_OBJECT_LOCK (self->element);
  gst_cbam_engine_settings_limit_device (&self->settings, device);
  GST_OBJECT_UNLOCK (self->element);
  return TRUE;
}

static void
post_no_device (GstCbamEngine *self, const GError *error)
{
  GST_OBJECT_LOCK (self->element);
  g_autofree char *name = g_strdup (self->settings.device);
  GST_OBJECT_UNLOCK (self->element);

  GST_ELEMENT_ERROR (self->element, RESOURCE, NOT_FOUND,
                     ("No device to %s with: %s", self->words->task, error->message),
                     ("Wanted: \"%s\". A machine without a GPU needs the CPU driver lavapipe, in Debian's package "
                      "mesa-vulkan-drivers; the variables VK_DRIVER_FILES and VK_ICD_FILENAMES choose other drivers.",
                      name ? name : "any"));
}

static gboolean
prepare (GstCbamEngine *self)
{
  g_autoptr (GError) error = NULL;

  if (open_device (self, &error))
    return TRUE;
  post_no_device (self, error);
  return FALSE;
}

gboolean
gst_cbam_engine_start (GstCbamEngine *self, GError **error)
{
  GST_OBJECT_LOCK (self->element);
  self->slots = self->settings.queue_depth;
  GST_OBJECT_UNLOCK (self->element);
  return open_device (self, error) && gst_cbam_switch_start (&self->sessions, self->device, self->slots, error);
}

void
gst_cbam_engine_post_start_error (GstCbamEngine *self, const GError *error, const char *details)
{
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_NO_DEVICE))
    post_no_device (self, error);
  else if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND))
    GST_ELEMENT_ERROR (self->element, RESOURCE, NOT_FOUND, ("%s", error->message), ("%s", details));
  else if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL) ||
           g_error_matches (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED) || error->domain == GST_RESOURCE_ERROR)
    GST_ELEMENT_ERROR (self->element, RESOURCE, SETTINGS, ("%s", error->message), ("%s", details));
  else
    GST_ELEMENT_ERROR (self->element, RESOURCE, FAILED, ("%s", error->message), ("%s", details));
}

void
gst_cbam_engine_describe (GstCbamEngine *self, GstStructure *stats)
{
  g_autoptr (GstCbamSession) session = NULL;
  const char *device = "", *kernels = "";

  GST_OBJECT_LOCK (self->element);
  if (self->sessions.session != NULL)
    session = gst_cbam_session_ref (self->sessions.session);
  GST_OBJECT_UNLOCK (self->element);
  if (session != NULL) {
    device = cbam_device_get_info (session->device)->name;
    kernels = cbam_model_get_info (session->model)->kernels;
  }
  gst_structure_set (stats, "device", G_TYPE_STRING, device, "kernels", G_TYPE_STRING, kernels, NULL);
}

void
gst_cbam_engine_stop (GstCbamEngine *self)
{
  gst_cbam_switch_stop (&self->sessions);
}

GstStateChangeReturn
gst_cbam_engine_change_state (GstCbamEngine *self, GstElementClass *parent_class, GstStateChange transition,
                              gboolean (*start) (GstElement *element), void (*stop) (GstElement *element))
{
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !prepare (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self->element))
    return GST_STATE_CHANGE_FAILURE;

  const GstStateChangeReturn result = parent_class->change_state (self->element, transition);

  const gboolean failed = result == GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && failed))
    stop (self->element);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL || (transition == GST_STATE_CHANGE_NULL_TO_READY && failed))
    g_clear_pointer (&self->device, cbam_device_unref);
  return result;
}

/* ---- Properties ---- */

static void
apply_timeout (GstCbamEngine *self)
{
  GST_OBJECT_LOCK (self->element);
  const GstCbamSession *session = self->sessions.session;
  if (session != NULL) {
    cbam_device_set_fence_timeout (session->device, CBAM_FENCE_TIMEOUT_DEFAULT);
    gst_cbam_engine_settings_limit_device (&self->settings, session->device);
  }
  GST_OBJECT_UNLOCK (self->element);
}

gboolean
gst_cbam_engine_set_property (GstCbamEngine *self, guint id, const GValue *value)
{
  GST_OBJECT_LOCK (self->element);
  const gboolean known = gst_cbam_engine_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self->element);

  if (id == GST_CBAM_PROP_MODEL || id == GST_CBAM_PROP_PRECISION)
    gst_cbam_switch_change_model (&self->sessions);
  else if (id == GST_CBAM_PROP_TIMEOUT)
    apply_timeout (self);
  return known;
}

gboolean
gst_cbam_engine_get_property (GstCbamEngine *self, guint id, GValue *value)
{
  GST_OBJECT_LOCK (self->element);
  const gboolean known = gst_cbam_engine_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self->element);
  return known;
}

/* ---- What frames are submitted to ---- */

/* Whether everything must be computed by the processor itself, and not only where there is nothing better. */
static gboolean
names_host (GstCbamEngine *self)
{
  GST_OBJECT_LOCK (self->element);
  const char *name = self->settings.device;
  const gboolean named = name != NULL && *name != '\0';
  GST_OBJECT_UNLOCK (self->element);
  return named && g_str_equal (cbam_device_get_info (self->device)->type, "host");
}

GstCbamSession *
gst_cbam_engine_get_session (GstCbamEngine *self, GstCbamVulkan *vulkan, GstBuffer *buffer, GError **error)
{
  if (!gst_cbam_vulkan_is_image (buffer))
    return gst_cbam_switch_get (&self->sessions);
  if (names_host (self)) {
    g_set_error_literal (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED,
                         "A frame lies on a Vulkan device, and the property device says that the processor computes. "
                         "Leave it unset, or put vulkandownload before this element.");
    return NULL;
  }
  CbamDevice *device = gst_cbam_vulkan_get_device (vulkan, self->element, buffer, error);
  return device != NULL ? gst_cbam_switch_get_on (&self->sessions, device, error) : NULL;
}

/* ---- The error that stops the stream ---- */

gboolean
gst_cbam_engine_is_first_error (GstCbamEngine *self)
{
  return g_atomic_int_compare_and_exchange (&self->error_posted, FALSE, TRUE);
}

void
gst_cbam_engine_forget_errors (GstCbamEngine *self)
{
  g_atomic_int_set (&self->error_posted, FALSE);
}

void
gst_cbam_engine_post_error (GstCbamEngine *self, const GError *error)
{
  if (!gst_cbam_engine_is_first_error (self))
    return;
  if (g_error_matches (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE))
    GST_ELEMENT_ERROR (self->element, STREAM, FORMAT, ("%s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self->element, RESOURCE, FAILED, ("%s has stopped: %s", self->words->noun, error->message),
                       ("A device that was lost or hangs is opened anew when the element goes through READY."));
}
