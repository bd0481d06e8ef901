/* The current session, and the thread that loads another model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamswitch.h"

#define GST_CAT_DEFAULT gst_cbam_debug
GST_DEBUG_CATEGORY_EXTERN (gst_cbam_debug);

void
gst_cbam_switch_init (GstCbamSwitch *self, GstElement *element, GstCbamEngineSettings *settings,
                      GstCbamLatency *latency, const char *task, GstCbamAccept accept, gpointer data)
{
  *self = (GstCbamSwitch){
    .element = element, .settings = settings, .latency = latency, .task = task, .accept = accept, .data = data
  };
  g_mutex_init (&self->lock);
}

void
gst_cbam_switch_clear (GstCbamSwitch *self)
{
  g_mutex_clear (&self->lock);
}

gboolean
gst_cbam_switch_start (GstCbamSwitch *self, CbamDevice *device, guint slots, GError **error)
{
  GST_OBJECT_LOCK (self->element);
  g_autofree char *path = g_strdup (self->settings->model);
  const CbamPrecision precision = self->settings->precision;
  const guint max_batch = self->settings->max_batch;
  GST_OBJECT_UNLOCK (self->element);

  g_autoptr (GstCbamSession) session =
      gst_cbam_session_new (device, path, precision, self->task, slots, max_batch, error);
  if (session == NULL)
    return FALSE;
  gst_cbam_latency_reset (self->latency, session->once * slots);
  GST_OBJECT_LOCK (self->element);
  const gboolean good = self->accept (self->data, session, error);
  if (good)
    self->session = g_steal_pointer (&session);
  GST_OBJECT_UNLOCK (self->element);
  return good;
}

void
gst_cbam_switch_stop (GstCbamSwitch *self)
{
  GST_OBJECT_LOCK (self->element);
  G_GNUC_UNUSED g_autoptr (GstCbamSession) session = g_steal_pointer (&self->session);
  GST_OBJECT_UNLOCK (self->element);

  g_mutex_lock (&self->lock);
  GThread *thread = g_steal_pointer (&self->thread);
  self->again = FALSE;
  g_mutex_unlock (&self->lock);
  if (thread != NULL)
    g_thread_join (thread);
}

GstCbamSession *
gst_cbam_switch_get (GstCbamSwitch *self)
{
  GST_OBJECT_LOCK (self->element);
  GstCbamSession *session = gst_cbam_session_ref (self->session);
  GST_OBJECT_UNLOCK (self->element);
  return session;
}

/* ---- Another session ---- */

/* Makes @session the current one, if the element accepts it. When stopped it is left alone. */
static gboolean
take_over (GstCbamSwitch *self, GstCbamSession *session, GError **error)
{
  g_autoptr (GstCbamSession) old = NULL;

  GST_OBJECT_LOCK (self->element);
  const gboolean good = self->session == NULL || self->accept (self->data, session, error);
  if (good && self->session != NULL) {
    old = self->session;
    self->session = gst_cbam_session_ref (session);
  }
  GST_OBJECT_UNLOCK (self->element);
  if (old == NULL)
    return good;
  const CbamDeviceInfo *info = cbam_device_get_info (session->device);
  GST_INFO_OBJECT (self->element, "from now on with model %s (%s) on device %u: %s (%s, %s), %.1f ms a frame",
                   cbam_model_get_info (session->model)->name, cbam_model_get_info (session->model)->origin,
                   info->index, info->name, info->type, info->driver, session->once / 1e6);
  return TRUE;
}

/* What that takes from the stream meanwhile is no measure of what frames will be held for, nor is how long one frame
 * takes beside the others: if the new session is slower, its own frames will tell at once. */
static GstCbamSession *
new_beside_frames (GstCbamSwitch *self, CbamDevice *device, const char *path, CbamPrecision precision, guint slots,
                   GError **error)
{
  GST_OBJECT_LOCK (self->element);
  const guint max_batch = self->settings->max_batch;
  GST_OBJECT_UNLOCK (self->element);
  gst_cbam_latency_begin_disturbance (self->latency);
  g_autoptr (GstCbamSession) session =
      gst_cbam_session_new (device, path, precision, self->task, slots, max_batch, error);
  gst_cbam_latency_end_disturbance (self->latency, g_get_monotonic_time () * GST_USECOND);
  return session != NULL && take_over (self, session, error) ? g_steal_pointer (&session) : NULL;
}

GstCbamSession *
gst_cbam_switch_get_on (GstCbamSwitch *self, CbamDevice *device, GError **error)
{
  g_autoptr (GstCbamSession) session = gst_cbam_switch_get (self);

  if (session->device == device)
    return g_steal_pointer (&session);
  GST_OBJECT_LOCK (self->element);
  g_autofree char *path = g_strdup (self->settings->model);
  const CbamPrecision precision = self->settings->precision;
  gst_cbam_engine_settings_limit_device (self->settings, device);
  GST_OBJECT_UNLOCK (self->element);
  return new_beside_frames (self, device, path, precision, session->slots, error);
}

/* The properties go back to what runs, unless somebody has set them to something else meanwhile. */
static void
keep_old (GstCbamSwitch *self, const char *path, CbamPrecision precision, const GError *error)
{
  GST_OBJECT_LOCK (self->element);
  if (self->session == NULL) { /* the element stops; nobody cares */
    GST_OBJECT_UNLOCK (self->element);
    return;
  }
  g_autofree char *old = g_strdup (self->session->wanted);
  g_autofree char *name = g_strdup (cbam_model_get_info (self->session->model)->name);
  if (g_strcmp0 (self->settings->model, path) == 0) {
    g_free (self->settings->model);
    self->settings->model = g_strdup (old);
  }
  if (self->settings->precision == precision)
    self->settings->precision = self->session->precision;
  GST_OBJECT_UNLOCK (self->element);
  g_object_notify (G_OBJECT (self->element), "model");
  g_object_notify (G_OBJECT (self->element), "precision");
  GST_ELEMENT_WARNING (
      self->element, RESOURCE, SETTINGS, ("The model stays as it was: %s", error->message),
      ("wanted: %s; still in use: %s (%s)", path ? path : "the default", name, old ? old : "the default"));
}

static void
load (GstCbamSwitch *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self->element);
  g_autofree char *path = g_strdup (self->settings->model);
  const CbamPrecision precision = self->settings->precision;
  g_autoptr (CbamDevice) device = self->session != NULL ? cbam_device_ref (self->session->device) : NULL;
  const guint slots = self->session != NULL ? self->session->slots : 0;
  GST_OBJECT_UNLOCK (self->element);
  if (device == NULL) /* the element stops */
    return;

  g_autoptr (GstCbamSession) session = new_beside_frames (self, device, path, precision, slots, &error);
  if (session == NULL)
    keep_old (self, path, precision, error);
}

static gpointer
run (gpointer data)
{
  GstCbamSwitch *self = data;
  gboolean again;

  do {
    load (self);
    g_mutex_lock (&self->lock);
    again = self->again;
    self->again = FALSE;
    self->busy = again;
    g_mutex_unlock (&self->lock);
  } while (again);
  return NULL;
}

void
gst_cbam_switch_change_model (GstCbamSwitch *self)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  /* It may have stopped since somebody looked; under this lock, stopping waits for what begins here. */
  GST_OBJECT_LOCK (self->element);
  const gboolean running = self->session != NULL;
  GST_OBJECT_UNLOCK (self->element);
  if (!running)
    return;
  if (self->busy) {
    self->again = TRUE;
    return;
  }
  if (self->thread != NULL)
    g_thread_join (self->thread); /* it has nothing more to do */
  self->busy = TRUE;
  self->thread = g_thread_new ("cbam-model", run, self);
}
