/* The thread that loads another model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamreload.h"

#include "gstcbamdetect.h"

#define GST_CAT_DEFAULT gst_cbam_debug

/* The property goes back to what runs, unless somebody has set it to something else meanwhile. */
static void
keep_old (GstCbamDetect *self, const char *path, const GError *error)
{
  GST_OBJECT_LOCK (self);
  if (self->session == NULL) { /* the element stops; nobody cares */
    GST_OBJECT_UNLOCK (self);
    return;
  }
  g_autofree char *old = g_strdup (self->session->wanted);
  g_autofree char *name = g_strdup (cbam_model_get_info (self->session->model)->name);
  if (g_strcmp0 (self->settings.model, path) == 0) {
    g_free (self->settings.model);
    self->settings.model = g_strdup (old);
  }
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "model");
  GST_ELEMENT_WARNING (
      self, RESOURCE, SETTINGS, ("The model stays as it was: %s", error->message),
      ("wanted: %s; still in use: %s (%s)", path ? path : "the default", name, old ? old : "the default"));
}

static void
load (GstCbamDetect *self)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  g_autofree char *path = g_strdup (self->settings.model);
  g_autoptr (CbamDevice) device = self->session != NULL ? cbam_device_ref (self->session->device) : NULL;
  GST_OBJECT_UNLOCK (self);
  if (device == NULL) /* the element stops */
    return;

  g_autoptr (GstCbamSession) session = gst_cbam_session_new (device, path, self->slots, &error);
  if (session == NULL || !gst_cbam_detect_take_session (self, session, &error)) {
    keep_old (self, path, error);
    return;
  }
  GST_INFO_OBJECT (self, "from now on with model %s (%s)", cbam_model_get_info (session->model)->name,
                   cbam_model_get_info (session->model)->origin);
}

static gpointer
run (gpointer data)
{
  GstCbamDetect *self = data;
  GstCbamReload *reload = &self->reload;
  gboolean again;

  do {
    /* What it takes from the stream meanwhile is no measure of what frames will be held for, nor is how long one frame
     * takes beside the others: if the new model is slower, its own frames will tell at once. */
    gst_cbam_latency_begin_disturbance (&self->latency);
    load (self);
    gst_cbam_latency_end_disturbance (&self->latency, g_get_monotonic_time () * GST_USECOND);
    g_mutex_lock (&reload->lock);
    again = reload->again;
    reload->again = FALSE;
    reload->busy = again;
    g_mutex_unlock (&reload->lock);
  } while (again);
  return NULL;
}

void
gst_cbam_reload_request (GstCbamDetect *self)
{
  GstCbamReload *reload = &self->reload;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&reload->lock);

  /* It may have stopped since somebody looked; under this lock, stopping waits for what begins here. */
  GST_OBJECT_LOCK (self);
  const gboolean running = self->session != NULL;
  GST_OBJECT_UNLOCK (self);
  if (!running)
    return;
  if (reload->busy) {
    reload->again = TRUE;
    return;
  }
  if (reload->thread != NULL)
    g_thread_join (reload->thread); /* it has nothing more to do */
  reload->busy = TRUE;
  reload->thread = g_thread_new ("cbam-model", run, self);
}

void
gst_cbam_reload_stop (GstCbamDetect *self)
{
  GstCbamReload *reload = &self->reload;

  g_mutex_lock (&reload->lock);
  GThread *thread = g_steal_pointer (&reload->thread);
  reload->again = FALSE;
  g_mutex_unlock (&reload->lock);
  if (thread != NULL)
    g_thread_join (thread);
}
