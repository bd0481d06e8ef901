/* What the streams of a process share, models and devices: found, made, waited for and let go of by many threads at
 * once; and none of it holds up who merely has one.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/cbamdetect.h>
#include <glib/gstdio.h>
#include <string.h>

#include "compare.h"
#include "vk/device-list.h"

#define N_THREADS 8
#define N_ROUNDS 10
#define PATIENCE (60 * G_USEC_PER_SEC) /* only who waits for what never comes takes as long */

static CbamDevice *device;
static char *folder;

/* ---- Threads that may hang ----------------------------------------------------------------------------------------
 */

typedef struct
{
  const char *path;
  CbamModel *model;
  GError *error;
  int done; /* atomic */
} Loader;

static gpointer
load (gpointer data)
{
  Loader *loader = data;

  loader->model = cbam_model_load (device, loader->path, NULL, &loader->error);
  g_atomic_int_set (&loader->done, TRUE);
  return NULL;
}

static void
assert_comes_true (const int *flag, const char *what)
{
  const gint64 start = g_get_monotonic_time ();

  while (!g_atomic_int_get (flag)) {
    if (g_get_monotonic_time () - start > PATIENCE)
      g_error ("%s hangs", what);
    g_usleep (1000);
  }
}

/* ---- Many at once -------------------------------------------------------------------------------------------------
 */

static char *
put_file (const char *name, const char *contents, gsize size)
{
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);

  g_file_set_contents (path, contents, (gssize) size, &error);
  g_assert_no_error (error);
  return path;
}

typedef struct
{
  guint number;
  const char *good, *bad;
} Worker;

/* Loads, unrefs and fails, in an order of its own. */
static gpointer
load_and_drop (gpointer data)
{
  const Worker *worker = data;

  for (guint i = 0; i < N_ROUNDS; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamDevice) again = cbam_device_open (NULL, &error);
    g_autoptr (CbamModel) model = NULL, same = NULL;

    g_assert_no_error (error);
    g_assert_true (again == device);
    if ((worker->number + i) % 3 == 0) {
      g_assert_null (cbam_model_load (device, worker->bad, NULL, &error));
      g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
      g_assert_nonnull (strstr (error->message, worker->bad));
      continue;
    }
    model = cbam_model_load (device, worker->good, NULL, &error);
    g_assert_no_error (error);
    same = cbam_model_load (device, worker->good, NULL, &error);
    g_assert_true (same == model);
    g_assert_cmpuint (cbam_model_get_info (model)->n_classes, >, 1);
  }
  return NULL;
}

static void
test_many_at_once (void)
{
  g_autofree char *contents = NULL, *bad = NULL;
  Worker workers[N_THREADS];
  GThread *threads[N_THREADS];
  gsize size;

  g_assert_true (g_file_get_contents (g_getenv ("CBAM_TEST_MODEL"), &contents, &size, NULL));
  bad = put_file ("cut.safetensors", contents, size / 2);
  for (guint i = 0; i < N_THREADS; i++) {
    workers[i] = (Worker){ i, g_getenv ("CBAM_TEST_MODEL"), bad };
    threads[i] = g_thread_new ("worker", load_and_drop, &workers[i]);
  }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

/* ---- A load that takes its time -----------------------------------------------------------------------------------
 */

static PFN_vkCreateBuffer create_buffer;
static __thread gboolean is_slow; /* what this thread loads takes until somebody lets it go on */
static GMutex gate_lock;
static GCond gate_changed;
static guint n_waiting;
static gboolean gate_open;
static VkResult gate_result;

static VKAPI_ATTR VkResult VKAPI_CALL
create_slowly (VkDevice handle, const VkBufferCreateInfo *info, const VkAllocationCallbacks *callbacks,
               VkBuffer *buffer)
{
  VkResult result = VK_SUCCESS;

  if (is_slow) {
    g_mutex_lock (&gate_lock);
    n_waiting++;
    g_cond_broadcast (&gate_changed);
    while (!gate_open)
      g_cond_wait (&gate_changed, &gate_lock);
    result = gate_result;
    g_mutex_unlock (&gate_lock);
    is_slow = FALSE; /* once is enough */
  }
  return result == VK_SUCCESS ? create_buffer (handle, info, callbacks, buffer) : result;
}

static gpointer
load_slowly (gpointer data)
{
  is_slow = TRUE;
  return load (data);
}

/* Loads @path by two threads at once, the second while the first is at it, and other models beside them. */
static void
load_twice (const char *path, Loader loaders[2], VkResult result)
{
  Loader other = { .path = g_getenv ("CBAM_TEST_MODEL") };
  GThread *threads[3];

  n_waiting = 0;
  gate_open = FALSE;
  gate_result = result;
  loaders[0] = loaders[1] = (Loader){ .path = path };
  threads[0] = g_thread_new ("first", load_slowly, &loaders[0]);
  g_mutex_lock (&gate_lock);
  while (n_waiting == 0)
    if (!g_cond_wait_until (&gate_changed, &gate_lock, g_get_monotonic_time () + PATIENCE))
      g_error ("loading the model makes no buffer");
  g_mutex_unlock (&gate_lock);

  threads[1] = g_thread_new ("second", load_slowly, &loaders[1]);
  threads[2] = g_thread_new ("other", load, &other);
  assert_comes_true (&other.done, "loading another model");
  g_assert_no_error (other.error);
  cbam_model_unref (cbam_model_ref (other.model));
  cbam_model_unref (other.model); /* the last one */
  g_usleep (50000);               /* the second has had time to begin what it should not */

  g_mutex_lock (&gate_lock);
  g_assert_cmpuint (n_waiting, ==, 1);
  g_assert_false (g_atomic_int_get (&loaders[0].done));
  g_assert_false (g_atomic_int_get (&loaders[1].done));
  gate_open = TRUE;
  g_cond_broadcast (&gate_changed);
  g_mutex_unlock (&gate_lock);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* Who wants what somebody else is loading waits for that, and gets the same model or the same error. Meanwhile other
 * models come and go. */
static void
test_long_load (void)
{
  g_autofree char *contents = NULL, *path = NULL;
  Loader loaders[2];
  gsize size;

  g_assert_true (g_file_get_contents (g_getenv ("CBAM_TEST_MODEL"), &contents, &size, NULL));
  path = put_file ("long.safetensors", contents, size);
  create_buffer = device->vk.vkCreateBuffer;
  device->vk.vkCreateBuffer = create_slowly;

  load_twice (path, loaders, VK_ERROR_OUT_OF_HOST_MEMORY);
  g_assert_null (loaders[0].model);
  g_assert_null (loaders[1].model);
  g_assert_error (loaders[0].error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY);
  g_assert_error (loaders[1].error, CBAM_ERROR, CBAM_ERROR_OUT_OF_MEMORY);
  g_assert_cmpstr (loaders[0].error->message, ==, loaders[1].error->message);
  g_assert_true (loaders[0].error != loaders[1].error);
  g_clear_error (&loaders[0].error);
  g_clear_error (&loaders[1].error);

  load_twice (path, loaders, VK_SUCCESS);
  g_assert_no_error (loaders[0].error);
  g_assert_no_error (loaders[1].error);
  g_assert_true (loaders[0].model == loaders[1].model);
  cbam_model_unref (loaders[0].model);
  g_assert_cmpuint (cbam_model_get_info (loaders[1].model)->n_classes, >, 1); /* there are two references */
  cbam_model_unref (loaders[1].model);

  device->vk.vkCreateBuffer = create_buffer;
}

/* ---- What a device has compiled -----------------------------------------------------------------------------------
 */

static PFN_vkCreateComputePipelines create_pipelines;
static int n_compiled; /* atomic */

static VKAPI_ATTR VkResult VKAPI_CALL
create_and_count (VkDevice handle, VkPipelineCache cache, guint32 n, const VkComputePipelineCreateInfo *infos,
                  const VkAllocationCallbacks *callbacks, VkPipeline *pipelines)
{
  g_atomic_int_add (&n_compiled, (int) n);
  return create_pipelines (handle, cache, n, infos, callbacks, pipelines);
}

/* A model that comes back finds all of its kernels. */
static void
test_compiled_once (void)
{
  CbamDevice *fresh = test_device_open (0);
  g_autoptr (GError) error = NULL;
  int n_first = 0;

  create_pipelines = fresh->vk.vkCreateComputePipelines;
  fresh->vk.vkCreateComputePipelines = create_and_count;
  for (guint round = 0; round < 3; round++) {
    CbamModel *model = cbam_model_load (fresh, g_getenv ("CBAM_TEST_MODEL"), NULL, &error);

    g_assert_no_error (error);
    if (round == 0)
      n_first = g_atomic_int_get (&n_compiled);
    cbam_model_unref (model);
  }
  g_assert_cmpint (n_first, >, 4);
  g_assert_cmpint (g_atomic_int_get (&n_compiled), ==, n_first);
  cbam_device_unref (fresh);
}

/* ---- A device that takes its time ---------------------------------------------------------------------------------
 */

static gpointer
open_another (gpointer data)
{
  g_autoptr (GError) error = NULL;
  CbamDevice *opened = cbam_device_open (NULL, &error);

  g_assert_no_error (error);
  cbam_device_unref (opened);
  g_atomic_int_set ((int *) data, TRUE);
  return NULL;
}

static gpointer
drop_one (gpointer data)
{
  cbam_device_unref (cbam_device_ref (device));
  g_atomic_int_set ((int *) data, TRUE);
  return NULL;
}

/* Instances of Vulkan are made under a lock of the process. Who waits for it to open a device holds no other: frames
 * that are read in place drop a reference each. */
static void
test_long_open (void)
{
  int opened = FALSE, dropped = FALSE;
  GThread *opener, *dropper;

  g_rec_mutex_lock (&cbam_vk_instances);
  opener = g_thread_new ("open", open_another, &opened);
  g_usleep (50000);
  dropper = g_thread_new ("drop", drop_one, &dropped);
  assert_comes_true (&dropped, "dropping a reference");
  g_assert_false (g_atomic_int_get (&opened));
  g_rec_mutex_unlock (&cbam_vk_instances);
  g_thread_join (dropper);
  g_thread_join (opener);
}

static gpointer
list_devices (G_GNUC_UNUSED gpointer data)
{
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GError) error = NULL;
    CbamDeviceList *list = cbam_device_list_new (&error);

    g_assert_no_error (error);
    g_assert_cmpuint (cbam_device_list_size (list), >, 0);
    cbam_device_list_unref (list);
  }
  return NULL;
}

/* Devices are listed, before and meanwhile, beside one that has the validation layer's extension, which the list's own
 * instance has not. */
static void
test_list_beside (void)
{
  CbamDevice *beside = test_device_open (0);
  GThread *thread;

  list_devices (NULL);
  cbam_device_unref (beside);
  thread = g_thread_new ("list", list_devices, NULL);
  for (guint i = 0; i < 5; i++)
    cbam_device_unref (test_device_open (0));
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("cbam-sharing-XXXXXX", &error);
  g_assert_no_error (error);
  device = cbam_device_open (NULL, &error);
  g_assert_no_error (error);
  g_test_add_func ("/sharing/many-at-once", test_many_at_once);
  g_test_add_func ("/sharing/long-load", test_long_load);
  g_test_add_func ("/sharing/compiled-once", test_compiled_once);
  g_test_add_func ("/sharing/long-open", test_long_open);
  g_test_add_func ("/sharing/list-beside", test_list_beside);
  status = g_test_run ();
  cbam_device_unref (device);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *path = g_build_filename (folder, i ? "cut.safetensors" : "long.safetensors", NULL);

    g_remove (path);
  }
  g_rmdir (folder);
  g_free (folder);
  return status;
}
