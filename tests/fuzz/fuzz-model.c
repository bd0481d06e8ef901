/* Feeds bytes to the model file's parsers: as a safetensors file with all that hangs on it, and, where they begin like
 * one, as a bare document, of which a network is then built, fused and planned with tensors of any shape. With
 * -DCBAM_LIBFUZZER and clang's -fsanitize=fuzzer it is a fuzzer; without, it replays the files and folders given as
 * arguments.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>

#include "document.h"
#include "engine/plan.h"
#include "file/safetensors.h"
#include "nets/anchors.h"
#include "nets/nets.h"

#define MAX_ELEMENTS 65536 /* of what is worked on further: a few bytes must not cost seconds */

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* ---- Networks of any shape ----------------------------------------------------------------------------------------
 */

/* A file that has any tensor, or not, of any shape: whatever the document's own bytes say. */
typedef struct
{
  CbamParamSource source;
  guint seed;
} AnySource;

static guint
any (CbamParamSource *source, const char *name, guint i)
{
  return (g_str_hash (name) ^ ((AnySource *) source)->seed) * 2654435761u >> (4 + i);
}

static gboolean
any_read (CbamParamSource *source, CbamParam *param, GError **error)
{
  if (param->n <= MAX_ELEMENTS && any (source, param->name, 9) % 64 > 0) {
    param->values = g_new0 (float, param->n);
    return TRUE;
  }
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL, "%s is not there", param->name);
  return FALSE;
}

static gboolean
any_has (CbamParamSource *source, const char *name)
{
  return any (source, name, 0) % 2;
}

static gsize
any_dim (CbamParamSource *source, const char *name, guint i)
{
  static const gsize dims[] = { 0, 0, 0, 0, 1, 1, 2, 3, 4, 7, 8, 16, 20, 24, G_MAXINT16, G_MAXSIZE };

  return dims[any (source, name, i) % G_N_ELEMENTS (dims)];
}

static void
try_network (const CbamSpec *spec, const char *json)
{
  AnySource source = { { any_read, any_has, any_dim }, g_str_hash (json) };
  CbamDeviceCaps caps = cbam_least_caps;
  const CbamPlanConfig config = { .caps = &caps };
  CbamGraph *graph = cbam_net_build (spec, &source.source, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamPlan) plan = NULL;

  if (source.seed % 2) { /* like lavapipe */
    caps.is_cpu = caps.int64 = TRUE;
    caps.subgroup_size = 8;
    caps.max_texels = 1u << 27;
    caps.max_storage_buffers = caps.max_storage_texels = 16;
  }
  if (!cbam_graph_finish (graph, &error)) {
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    cbam_graph_free (graph);
    return;
  }
  cbam_graph_fuse (graph, cbam_plan_get_fusions (&caps, CBAM_PRECISION_FP32));
  plan = cbam_plan_new (graph, &config, &error);
  g_assert_true ((plan == NULL) == (error != NULL));
}

/* ---- Parsers -------------------------------------------------------------------------------------------------------
 */

/* An error comes exactly with %NULL, is of ours, and can be printed. */
static void
check_error (const void *object, const GError *error)
{
  g_assert_true ((object == NULL) == (error != NULL));
  if (error == NULL)
    return;
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 4096);
}

static void
try_spec (const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = cbam_spec_parse ("fuzz", json, &error);
  gsize n_anchors = 0;

  check_error (spec, error);
  if (spec == NULL)
    return;

  for (guint c = 0; c < spec->output.n_classes; c++)
    cbam_output_spec_reports (&spec->output, c);
  for (guint l = 0; l < spec->anchors.n_levels; l++)
    n_anchors +=
        (gsize) spec->anchors.map_width[l] * spec->anchors.map_height[l] * cbam_anchors_per_cell (&spec->anchors, l);
  if (spec->anchors.tensor == NULL && n_anchors <= MAX_ELEMENTS) {
    g_autoptr (GArray) anchors = cbam_anchors_generate (&spec->anchors, spec->input.width, spec->input.height);

    g_assert_cmpuint (anchors->len, ==, n_anchors);
  }
  if (n_anchors <= MAX_ELEMENTS)
    try_network (spec, json);
}

static void
try_tensor (const CbamFileTensor *tensor)
{
  g_autofree char *dims = cbam_dims_to_string (tensor->dims, tensor->n_dims);
  g_autofree float *values = NULL;

  g_assert_nonnull (dims);
  if (tensor->dtype == CBAM_DTYPE_OTHER || tensor->n_elements > MAX_ELEMENTS)
    return;
  values = g_new (float, tensor->n_elements);
  cbam_file_tensor_to_float (tensor, values);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSafetensors) file = NULL;
  const char *json;

  if (size > 0 && data[0] == '{') {
    g_autofree char *text = g_strndup ((const char *) data, size);

    try_spec (text);
    return 0;
  }

  file = cbam_safetensors_new_for_data ("fuzz", data, size, &error);
  check_error (file, error);
  if (file == NULL)
    return 0;

  for (guint i = 0; i < cbam_safetensors_size (file); i++)
    try_tensor (cbam_safetensors_nth (file, i));
  json = cbam_safetensors_get_metadata (file, "cbamdetect");
  if (json != NULL)
    try_spec (json);
  return 0;
}

#ifndef CBAM_LIBFUZZER

/* Returns how many files were replayed. */
static guint
replay (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  const char *name;
  gsize size;
  guint n = 0;

  if (folder != NULL) {
    while ((name = g_dir_read_name (folder)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      n += replay (child);
    }
    return n;
  }

  if (!g_file_get_contents (path, &content, &size, &error))
    g_error ("%s", error->message);
  LLVMFuzzerTestOneInput ((const guint8 *) content, size);
  return 1;
}

int
main (int argc, char **argv)
{
  guint n = 0;

  for (int i = 1; i < argc; i++)
    n += replay (argv[i]);
  g_print ("%u files replayed\n", n);
  return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
