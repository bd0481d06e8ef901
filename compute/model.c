/* CbamModel: from a file to a program on a device, shared by all who name the same file on the same device.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model.h"

#include <errno.h>
#include <glib/gstdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <math.h>
#include <string.h>

#include "base/given.h"
#include "base/refs.h"
#include "document.h"
#include "engine/scale.h"
#include "nets/nets.h"
#include "precision.h"
#include "presets/source.h"
#include "trial.h"

#define PRESET_SEED 1 /* any; the same for everybody */

/* What is to be loaded. */
typedef struct
{
  CbamDevice *device;
  const char *path;         /* of the file; what messages call it where it is none */
  const CbamPreset *preset; /* NULL: a file or bytes */
  GBytes *bytes;            /* NULL: the file @path */
  CbamPrecision precision;
  gboolean may_fall_back; /* fp16 was not asked for by name: where it has no room for a number, fp32 is taken */
  guint batch;            /* images at once */
} Wanted;

/* A load that goes on: who wants the same waits for it and gets what comes of it, the model or the error. */
typedef struct
{
  gboolean done;
  CbamModel *model; /* with a reference for everybody who waits, or NULL */
  GError *error;
  guint n_waiting;
} Load;

/* Models alive, by key; holds no references. And what is being loaded, by key: two streams that start together load
 * once. The lock is for the tables only: nothing is loaded, freed or waited for under it, and no frame needs it. */
static GHashTable *loaded;  /* CbamModel */
static GHashTable *loading; /* Load */
static GMutex loaded_lock;
static GCond load_done;

/* ---- Weights from the file -------------------------------------------------------------------------------------- */

static gboolean
source_read (CbamParamSource *source, CbamParam *param, GError **error)
{
  const CbamSafetensors *file = ((CbamFileSource *) source)->file;
  const CbamFileTensor *tensor = cbam_safetensors_get (file, param->name);
  g_autofree char *expected = cbam_dims_to_string (param->dims, param->n_dims);
  g_autofree char *found = NULL;

  if (tensor == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: tensor \"%s\" is missing; expected shape %s",
                 cbam_safetensors_get_path (file), param->name, expected);
    return FALSE;
  }
  found = cbam_dims_to_string (tensor->dims, tensor->n_dims);
  if (!g_str_equal (expected, found)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: tensor \"%s\": expected shape %s, found %s",
                 cbam_safetensors_get_path (file), param->name, expected, found);
    return FALSE;
  }
  if (tensor->dtype == CBAM_DTYPE_OTHER) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s: tensor \"%s\": expected F32, F16 or BF16, found %s",
                 cbam_safetensors_get_path (file), param->name, tensor->dtype_name);
    return FALSE;
  }
  param->values = g_new (float, param->n);
  cbam_file_tensor_to_float (tensor, param->values);
  for (gsize i = 0; i < param->n; i++) {
    if (isfinite (param->values[i]))
      continue;
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL,
                 "%s: tensor \"%s\": expected finite numbers, found %f at element %" G_GSIZE_FORMAT,
                 cbam_safetensors_get_path (file), param->name, param->values[i], i);
    return FALSE;
  }
  return TRUE;
}

static gboolean
source_has (CbamParamSource *source, const char *name)
{
  return cbam_safetensors_get (((CbamFileSource *) source)->file, name) != NULL;
}

static gsize
source_dim (CbamParamSource *source, const char *name, guint i)
{
  const CbamFileTensor *tensor = cbam_safetensors_get (((CbamFileSource *) source)->file, name);

  return tensor != NULL && i < tensor->n_dims ? tensor->dims[i] : 0;
}

CbamFileSource
cbam_file_source (const CbamSafetensors *file)
{
  return (CbamFileSource){ { source_read, source_has, source_dim }, file };
}

/* ---- Loading ---------------------------------------------------------------------------------------------------- */

/* What makes two loads the same: device, inode, size and time of change of the file, on one Vulkan device, in one
 * precision, of as many images at once. */
static char *
make_key (const Wanted *wanted, GError **error)
{
  GStatBuf info;

  if (g_stat (wanted->path, &info) != 0) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND, "%s: %s", wanted->path, g_strerror (errno));
    return NULL;
  }
  return g_strdup_printf (
      "%p %d %d %u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT ".%09lu",
      (void *) wanted->device, wanted->precision, wanted->may_fall_back, wanted->batch, (guint64) info.st_dev,
      (guint64) info.st_ino, (guint64) info.st_size, (guint64) info.st_mtim.tv_sec, (gulong) info.st_mtim.tv_nsec);
}

static void
describe_ops (CbamModel *model)
{
  const CbamPlan *plan = model->program->plan;

  model->op_times = g_new0 (CbamOpTime, plan->n_steps);
  for (guint s = 0; s < plan->n_steps; s++) {
    const CbamNode *node = plan->steps[s].node;
    const CbamValue *first = node->outputs[0], *out = first->kind == CBAM_VALUE_MAP ? first : node->inputs[0];

    model->op_times[s] = (CbamOpTime){
      .name = node->name,
      .kind = node->op->name,
      .variant = cbam_program_get_kernel (model->program, s),
      .shape = g_strdup_printf ("%ux%ux%u", out->width, out->height, out->channels),
      .flop = node->op->macs != NULL ? 2.0 * (double) node->op->macs (node) : 0,
      .kernel = node->op->kernel != NULL ? node->op->kernel (node) : 0,
      .in_channels = node->n_inputs > 0 ? node->inputs[0]->channels : 0,
      .out_channels = out->channels,
      .width = out->width,
      .height = out->height,
      .bytes = cbam_step_count_bytes (&plan->steps[s]),
      .waits = plan->steps[s].barrier,
    };
  }
}

gsize
cbam_model_get_n_ops (const CbamModel *model)
{
  g_return_val_if_fail (model != NULL, 0);
  return model->program->plan->n_steps;
}

const CbamOpTime *
cbam_model_get_op (const CbamModel *model, gsize i)
{
  g_return_val_if_fail (model != NULL && i < cbam_model_get_n_ops (model), NULL);
  return &model->op_times[i];
}

/* @bytes: the file's content; NULL: it is to be opened. */
static CbamGraph *
build_from_file (const char *path, GBytes *bytes, guint batch, CbamSpec **ret_spec, GError **error)
{
  g_autoptr (CbamSafetensors) file =
      bytes != NULL ? cbam_safetensors_new_for_bytes (path, bytes, error) : cbam_safetensors_open (path, error);
  g_autoptr (CbamGraph) graph = NULL;
  const char *document;
  CbamFileSource source;

  if (file == NULL)
    return NULL;
  document = cbam_safetensors_get_metadata (file, "cbamdetect");
  if (document == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL,
                 "%s: metadata \"cbamdetect\" is missing; expected the JSON document of models/README.md", path);
    return NULL;
  }
  *ret_spec = cbam_spec_parse (path, document, error);
  if (!*ret_spec)
    return NULL;
  source = cbam_file_source (file);
  graph = cbam_net_build (*ret_spec, &source.source, batch);
  if (!cbam_graph_finish (graph, error)) {
    if (error != NULL && !strstr ((*error)->message, path))
      g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  return g_steal_pointer (&graph);
}

static CbamGraph *
build_from_preset (const CbamPreset *preset, guint batch, CbamSpec **ret_spec, GError **error)
{
  CbamPresetSource source = cbam_preset_source (preset, PRESET_SEED);
  g_autofree char *document = cbam_preset_get_document (preset);
  g_autoptr (CbamGraph) graph = NULL;

  *ret_spec = cbam_spec_parse (preset->name, document, error);
  if (!*ret_spec)
    return NULL;
  graph = cbam_net_build (*ret_spec, &source.source, batch);
  return cbam_graph_finish (graph, error) ? g_steal_pointer (&graph) : NULL;
}

CbamGraph *
cbam_model_build_graph (const char *model, CbamSpec **ret_spec, GError **error)
{
  const CbamPreset *preset = cbam_preset_find (model);

  return preset != NULL ? build_from_preset (preset, 1, ret_spec, error)
                        : build_from_file (model, NULL, 1, ret_spec, error);
}

/* What weights took as they came is free now, and glibc would keep it. */
static void
give_memory_back (void)
{
#ifdef __GLIBC__
  malloc_trim (0);
#endif
}

/* Fused for the model's device; *@ret_spec is the caller's to free, on failure too. */
static CbamGraph *
build (CbamModel *model, const Wanted *wanted, CbamPrecision precision, CbamSpec **ret_spec, GError **error)
{
  CbamGraph *graph = wanted->preset != NULL
                         ? build_from_preset (wanted->preset, wanted->batch, ret_spec, error)
                         : build_from_file (wanted->path, wanted->bytes, wanted->batch, ret_spec, error);

  if (graph == NULL)
    return NULL;
  if (model->info == NULL)
    model->info = cbam_model_info_new (*ret_spec, graph, wanted->path);
  cbam_graph_fuse (graph, cbam_run_get_fusions (model->device, precision));
  return graph;
}

/* In place of the one there is. Takes @graph and @spec. */
static gboolean
make_program (CbamModel *model, const Wanted *wanted, CbamGraph *graph, CbamSpec *spec, CbamPrecision precision,
              GError **error)
{
  const CbamPlanConfig plan = { .precision = precision };

  g_clear_pointer (&model->program, cbam_program_free);
  cbam_spec_free (model->spec);
  model->spec = spec;
  model->program = cbam_program_new (model->device, graph, &plan, error);
  if (model->program == NULL)
    g_prefix_error (error, "%s: ", wanted->path);
  model->info->precision = precision;
  return model->program != NULL;
}

static gboolean
load_program (CbamModel *model, const Wanted *wanted, CbamPrecision precision, GError **error)
{
  g_autoptr (CbamSpec) spec = NULL;
  CbamGraph *graph = build (model, wanted, precision, &spec, error);

  return graph != NULL && make_program (model, wanted, graph, g_steal_pointer (&spec), precision, error);
}

/* Numbers of a trial that come near the largest there is room for, each times what its map is a fraction of. */
static gboolean
add_largest (const float *found, const gint *exponents, guint n, float *largest)
{
  gboolean any = FALSE;

  for (guint v = 0; v < n; v++) {
    any |= found[v] > 0;
    largest[v] = MAX (largest[v], ldexpf (found[v], exponents[v]));
  }
  return any;
}

/* The program has maps of 16 bits. Tries it, and stores as fractions what does not fit, as long as that helps: behind a
 * map that was clamped others show only then how large they are. *@ret_clamped: a layer that does not fit all the same,
 * to be freed, or NULL. */
static gboolean
find_room (CbamModel *model, const Wanted *wanted, char **ret_clamped, GError **error)
{
  const guint n = model->program->plan->graph->values->len;
  g_autofree float *largest = g_new0 (float, n), *found = g_new (float, n);
  g_autofree gint *exponents = g_new0 (gint, n), *others = NULL;
  const CbamStep *clamped;

  while (TRUE) {
    g_autoptr (CbamGraph) graph = NULL;
    g_autoptr (CbamSpec) spec = NULL;

    memset (found, 0, n * sizeof *found);
    if (!cbam_trial_run (model->program, model->spec, found, &clamped, error))
      return FALSE;
    g_free (*ret_clamped);
    *ret_clamped = clamped != NULL ? g_strdup (clamped->node->name) : NULL;
    if (!add_largest (found, exponents, n, largest))
      return TRUE;
    graph = build (model, wanted, CBAM_PRECISION_FP16, &spec, error);
    if (graph == NULL)
      return FALSE;
    g_clear_pointer (&others, g_free);
    if (!cbam_graph_scale (graph, largest, &others) || memcmp (exponents, others, n * sizeof *others) == 0)
      return TRUE;
    memcpy (exponents, others, n * sizeof *others);
    if (!make_program (model, wanted, g_steal_pointer (&graph), g_steal_pointer (&spec), CBAM_PRECISION_FP16, error))
      return FALSE;
  }
}

static gboolean
fill (CbamModel *model, const Wanted *wanted, GError **error)
{
  g_autofree char *clamped = NULL;

  if (!load_program (model, wanted, wanted->precision, error) ||
      (wanted->precision == CBAM_PRECISION_FP16 && !find_room (model, wanted, &clamped, error)) ||
      (clamped != NULL && wanted->may_fall_back && !load_program (model, wanted, CBAM_PRECISION_FP32, error)))
    return FALSE;
  give_memory_back ();
  model->warm = model->info->precision == CBAM_PRECISION_FP16; /* the trial was a frame */
  model->info->clamped = g_steal_pointer (&clamped);
  model->info->max_batch = wanted->batch;
  model->info->kernels = cbam_program_get_kernels (model->program);
  describe_ops (model);
  return TRUE;
}

static void
model_free (CbamModel *model)
{
  if (model->op_times != NULL)
    for (guint s = 0; s < model->program->plan->n_steps; s++)
      g_free ((char *) model->op_times[s].shape);
  g_free (model->op_times);
  cbam_program_free (model->program);
  cbam_model_info_unref (model->info);
  cbam_spec_free (model->spec);
  cbam_device_unref (model->device);
  g_free (model->key);
  g_free (model);
}

static CbamModel *
load_alone (const Wanted *wanted, const char *key, GError **error)
{
  CbamModel *model = g_new0 (CbamModel, 1);

  model->refs = 1;
  model->device = cbam_device_ref (wanted->device);
  if (!fill (model, wanted, error)) {
    model_free (model);
    return NULL;
  }
  model->key = g_strdup (key);
  return model;
}

/* The lock is held. */
static void
drop_empty_tables (void)
{
  if (g_hash_table_size (loaded) + g_hash_table_size (loading) > 0)
    return;
  g_clear_pointer (&loaded, g_hash_table_unref);
  g_clear_pointer (&loading, g_hash_table_unref);
}

/* Tells those who wait what has come of it; the last of them frees @load. The lock is held. */
static void
finish_load (Load *load, const char *key, CbamModel *model, const GError *error)
{
  g_hash_table_remove (loading, key);
  if (model != NULL) {
    g_hash_table_insert (loaded, model->key, model);
    g_atomic_int_add (&model->refs, (gint) load->n_waiting);
  }
  drop_empty_tables ();
  if (load->n_waiting == 0) {
    g_free (load);
    return;
  }
  load->done = TRUE;
  load->model = model;
  load->error = model != NULL ? NULL : g_error_copy (error);
  g_cond_broadcast (&load_done);
}

/* What somebody else's load gives. The lock is held. */
static CbamModel *
wait_for_load (Load *load, GError **error)
{
  CbamModel *model;

  load->n_waiting++;
  while (!load->done)
    g_cond_wait (&load_done, &loaded_lock);
  model = load->model;
  if (model == NULL && error != NULL)
    *error = g_error_copy (load->error);
  if (--load->n_waiting > 0)
    return model;
  g_clear_error (&load->error);
  g_free (load);
  return model;
}

/* The model of @key, which is there already, or is being loaded, or is loaded now. A file that is replaced meanwhile
 * has another key, and who comes then does not wait for this one. */
static CbamModel *
load_shared (const Wanted *wanted, const char *key, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&loaded_lock);
  GError *local = NULL;
  CbamModel *model;
  Load *load;

  if (loaded == NULL) {
    loaded = g_hash_table_new (g_str_hash, g_str_equal);
    loading = g_hash_table_new (g_str_hash, g_str_equal);
  }
  model = g_hash_table_lookup (loaded, key);
  if (model != NULL)
    return cbam_model_ref (model);
  load = g_hash_table_lookup (loading, key);
  if (load != NULL)
    return wait_for_load (load, error);

  load = g_new0 (Load, 1);
  g_hash_table_insert (loading, (gpointer) key, load);
  g_mutex_unlock (&loaded_lock);
  model = load_alone (wanted, key, &local);
  g_mutex_lock (&loaded_lock);
  finish_load (load, key, model, local);
  if (local != NULL)
    g_propagate_error (error, local);
  return model;
}

/* Whether @wanted->device can do as @config says. */
static gboolean
take_config (Wanted *wanted, const CbamModelConfig *config, GError **error)
{
  CbamModelConfig own;

  if (!cbam_device_check_alive (wanted->device, error) ||
      !cbam_take_given ("CbamModelConfig", config, config != NULL ? config->size : 0, &own, sizeof own, error) ||
      !cbam_precision_choose (wanted->device, own.precision, &wanted->precision, error))
    return FALSE;
  wanted->may_fall_back = own.precision == CBAM_PRECISION_AUTO && wanted->precision == CBAM_PRECISION_FP16;
  wanted->batch = MAX (own.max_batch, 1);
  if (wanted->batch <= CBAM_MAX_BATCH)
    return TRUE;
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "max_batch: expected at most %u images at once, found %u",
               CBAM_MAX_BATCH, wanted->batch);
  return FALSE;
}

CbamModel *
cbam_model_load (CbamDevice *device, const char *path, const CbamModelConfig *config, GError **error)
{
  Wanted wanted = { .device = device, .path = path };
  g_autofree char *key = NULL, *usual = NULL;

  g_return_val_if_fail (device != NULL, NULL);
  if (!take_config (&wanted, config, error))
    return NULL;
  if (path == NULL && !(wanted.path = usual = cbam_model_find_default (error)))
    return NULL;
  key = make_key (&wanted, error);
  return key != NULL ? load_shared (&wanted, key, error) : NULL;
}

CbamModel *
cbam_model_load_bytes (CbamDevice *device, GBytes *bytes, const char *name, const CbamModelConfig *config,
                       GError **error)
{
  Wanted wanted = { .device = device, .path = name, .bytes = bytes };

  g_return_val_if_fail (device != NULL && bytes != NULL && name != NULL, NULL);
  return take_config (&wanted, config, error) ? load_alone (&wanted, NULL, error) : NULL;
}

CbamModel *
cbam_model_load_preset (CbamDevice *device, const char *name, const CbamModelConfig *config, GError **error)
{
  Wanted wanted = { .device = device, .path = name };
  g_autofree char *key = NULL;

  g_return_val_if_fail (device != NULL && name != NULL, NULL);
  if (!take_config (&wanted, config, error))
    return NULL;
  wanted.preset = cbam_preset_find (name);
  if (wanted.preset == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND, "there is no preset \"%s\"", name);
    return NULL;
  }
  key = g_strdup_printf ("%p %d %d %u preset %s", (void *) device, wanted.precision, wanted.may_fall_back, wanted.batch,
                         name);
  return load_shared (&wanted, key, error);
}

const char *const *
cbam_model_get_presets (void)
{
  static const char **names;

  if (g_once_init_enter (&names)) {
    GPtrArray *list = g_ptr_array_new ();

    for (guint i = 0; cbam_presets[i].name != NULL; i++)
      g_ptr_array_add (list, (gpointer) cbam_presets[i].name);
    g_ptr_array_add (list, NULL);
    g_once_init_leave (&names, (const char **) g_ptr_array_free (list, FALSE));
  }
  return names;
}

CbamModel *
cbam_model_ref (CbamModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_atomic_int_inc (&model->refs);
  return model;
}

void
cbam_model_unref (CbamModel *model)
{
  gboolean last;

  if (model == NULL || cbam_refs_drop_unless_last (&model->refs))
    return;
  g_mutex_lock (&loaded_lock);
  last = g_atomic_int_dec_and_test (&model->refs);
  if (last && model->key != NULL) {
    g_hash_table_remove (loaded, model->key);
    drop_empty_tables ();
  }
  g_mutex_unlock (&loaded_lock);
  if (last)
    model_free (model);
}

/* ---- Questions -------------------------------------------------------------------------------------------------- */

CbamDevice *
cbam_model_get_device (const CbamModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->device;
}

const CbamModelInfo *
cbam_model_get_info (const CbamModel *model)
{
  g_return_val_if_fail (model != NULL, NULL);
  return model->info;
}
