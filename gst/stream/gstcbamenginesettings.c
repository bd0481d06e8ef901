/* The properties that say what runs and on what.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamenginesettings.h"

void
gst_cbam_engine_settings_init (GstCbamEngineSettings *settings, const GstCbamEngineTexts *texts)
{
  *settings = (GstCbamEngineSettings){ .queue_depth = texts->slots, .max_batch = texts->max_batch, .timeout = -1 };
}

void
gst_cbam_engine_settings_clear (GstCbamEngineSettings *settings)
{
  g_clear_pointer (&settings->model, g_free);
  g_clear_pointer (&settings->device, g_free);
}

void
gst_cbam_settings_take_string (char **setting, const GValue *value)
{
  g_free (*setting);
  *setting = g_value_dup_string (value);
}

gboolean
gst_cbam_engine_settings_set (GstCbamEngineSettings *settings, guint id, const GValue *value)
{
  switch (id) {
    case GST_CBAM_PROP_MODEL: gst_cbam_settings_take_string (&settings->model, value); break;
    case GST_CBAM_PROP_DEVICE: gst_cbam_settings_take_string (&settings->device, value); break;
    case GST_CBAM_PROP_CPU_THREADS: settings->cpu_threads = g_value_get_uint (value); break;
    case GST_CBAM_PROP_PRECISION: settings->precision = g_value_get_enum (value); break;
    case GST_CBAM_PROP_QUEUE_DEPTH: settings->queue_depth = g_value_get_uint (value); break;
    case GST_CBAM_PROP_TIMEOUT: settings->timeout = g_value_get_int (value); break;
    case GST_CBAM_PROP_MAX_BATCH: settings->max_batch = g_value_get_uint (value); break;
    default: return FALSE;
  }
  return TRUE;
}

gboolean
gst_cbam_engine_settings_get (const GstCbamEngineSettings *settings, guint id, GValue *value)
{
  switch (id) {
    case GST_CBAM_PROP_MODEL: g_value_set_string (value, settings->model); break;
    case GST_CBAM_PROP_DEVICE: g_value_set_string (value, settings->device); break;
    case GST_CBAM_PROP_CPU_THREADS: g_value_set_uint (value, settings->cpu_threads); break;
    case GST_CBAM_PROP_PRECISION: g_value_set_enum (value, settings->precision); break;
    case GST_CBAM_PROP_QUEUE_DEPTH: g_value_set_uint (value, settings->queue_depth); break;
    case GST_CBAM_PROP_TIMEOUT: g_value_set_int (value, settings->timeout); break;
    case GST_CBAM_PROP_MAX_BATCH: g_value_set_uint (value, settings->max_batch); break;
    default: return FALSE;
  }
  return TRUE;
}

void
gst_cbam_engine_settings_limit_device (const GstCbamEngineSettings *settings, CbamDevice *device)
{
  if (settings->timeout >= 0)
    cbam_device_set_fence_timeout (device, (guint) settings->timeout);
}

void
gst_cbam_engine_settings_install (GObjectClass *klass, const GstCbamEngineTexts *texts)
{
  /**
   * GstCbamDetect:model:
   *
   * Path of the model file. Set while frames flow, it is loaded beside them: the frames in flight are finished with the
   * old model, and the next ones go to the new one. A file that cannot be used, or that lacks one of
   * #GstCbamDetect:classes, is a warning on the bus, and the old model stays. The same path again loads it anew if the
   * file has changed.
   */
  g_object_class_install_property (klass, GST_CBAM_PROP_MODEL,
                                   g_param_spec_string ("model", "Model", texts->model, NULL, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:device:
   *
   * Which device infers: a GPU by Vulkan, the processor itself, or software that does as a GPU would. Elements of one
   * process that name the same device and model share both: weights are in memory once, and the frames of all streams
   * stand in one queue, in the order they came.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_DEVICE,
      g_param_spec_string ("device", "Device",
                           "Device: its number (cbam-run --list-devices), \"cpu\" = the processor itself, \"gpu\", or "
                           "a part of its name. Unset = the best there is: discrete GPU, integrated GPU, virtual GPU, "
                           "the processor; frames that lie on a Vulkan device run there",
                           NULL, GST_CBAM_READY));
  /**
   * GstCbamDetect:cpu-threads:
   *
   * How many threads compute where the processor itself is the device. A single stream's frame is computed by all of
   * them together; frames side by side, a thread each, while as many wait. Elements that want another number share
   * nothing with each other.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_CPU_THREADS,
      g_param_spec_uint (
          "cpu-threads", "CPU threads",
          "Threads where the processor itself computes, 0..1024. 0 = as many processors as this process may "
          "use",
          0, 1024, 0, GST_CBAM_READY));
  /**
   * GstCbamDetect:precision:
   *
   * The numbers that the network computes with. Set while frames flow, the model is loaded anew, as if
   * #GstCbamDetect:model had been set. One that the device lacks is an error at the start, which lists those it has;
   * while frames flow it is a warning, and the property stays as it was.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision",
                         "Numbers to compute with, which the device must have. auto = the fastest of those that it "
                         "has and that find the same objects",
                         CBAM_TYPE_PRECISION, CBAM_PRECISION_AUTO, GST_CBAM_PLAYING));
  /**
   * GstCbamDetect:queue-depth:
   *
   * How many frames may be in inference at the same time. One takes as long as inference itself, two keep the device
   * busy; more hold frames longer and win nothing, unless other streams are on the same device: it serves as many
   * frames of each in turn.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_QUEUE_DEPTH,
      g_param_spec_uint ("queue-depth", "Queue depth", texts->queue_depth, 1, 64, texts->slots, GST_CBAM_READY));
  /**
   * GstCbamDetect:timeout:
   *
   * How long the device may take over a frame before it counts as hung, in milliseconds. Then there is one error, and
   * by way of READY the element opens a fresh device. Elements that share a device share the limit: the one set last
   * counts. On CPU devices the usual limit is 10 s more for every 1e9 multiply-adds of the network.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_TIMEOUT,
      g_param_spec_int ("timeout", "Timeout",
                        "Milliseconds that the device may take over a frame before it counts as hung, for all who "
                        "share it. 0 = no limit, -1 = a minute, and on CPU devices more for large networks",
                        -1, G_MAXINT, -1, GST_CBAM_PLAYING));
  if (texts->max_batch == 0)
    return;
  /**
   * GstCbamClassify:max-batch:
   *
   * How many regions of a frame the device computes side by side, as one submission. More keep a GPU busy that one
   * region does not fill; each takes the memory of its maps. A frame with fewer regions computes no more than those,
   * and one with more has further submissions.
   */
  g_object_class_install_property (
      klass, GST_CBAM_PROP_MAX_BATCH,
      g_param_spec_uint ("max-batch", "Maximum batch",
                         "Regions of a frame that the device computes together, 1..64, as long as there are so many", 1,
                         64, texts->max_batch, GST_CBAM_READY));
}
