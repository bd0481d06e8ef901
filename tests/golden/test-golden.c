/* The engine against PyTorch: every variant of model files, in every way to run them, by files of results that
 * make_golden.py wrote.
 *
 *     test-golden FILE-OR-FOLDER...       what --tap and its like ask for goes before
 *     test-golden --document PRESET       prints a preset's document, for make_golden.py
 *
 * A file holds results alone. The model file behind it is made here, from the list of its tensors and a seed
 * (compute/presets/seeded.h); so is the picture, which has exactly the network's input size.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cbamdetect/describe.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "compare.h"
#include "detect/image.h"
#include "document.h"
#include "file/json.h"
#include "golden-model.h"
#include "model.h"
#include "presets/presets.h"
#include "presets/seeded.h"
#include "results.h"
#include "run.h"
#include "run/reference/reference.h"
#include "run/vulkan/program.h"
#include "write-model.h"

/* Relative L2 errors. float32 carries 7 digits, of which sums of a few thousand products lose one; deep networks of
 * full size lose another. */
#define LIMIT 1e-5
#define LIMIT_PRESET 1e-4
/* Many layers with weights that were made up add to each other's errors; a trained network is tested in real/. */
#define LIMIT_BF16 6e-2
#define LIMIT_FP16 2e-2
#define LIMIT_FP16_PRESET 3e-2
/* A map of Grad-CAM is a difference of large sums. */
#define LIMIT_GRAD_CAM 1e-4
#define LIMIT_SCORE 1e-4
#define LIMIT_BOX 0.01 /* pixels */
#define SMALL 1e-3f    /* pixels: where maps lie */

#define GRAD_CAMS 3

/* One file of results, and the model it is about. */
typedef struct
{
  char *name;
  CbamSafetensors *file;
  JsonObject *about; /* the metadata "golden" */
  char *folder;      /* of the model file; NULL for a preset */
  char *model;       /* path of the model file, or name of a preset */
  gboolean is_preset;
  double limit;
  guint width, height; /* of what the network sees */
  guint margin;        /* so much of the picture on each side is cut off before that */
  guint8 *pixels;      /* RGB */
} Golden;

static CbamDevice *device;

/* The largest relative error of all comparisons of one kind, to report at the end. */
typedef struct
{
  const char *kind;
  double error;
  char *where;
} Worst;

static Worst worst[] = { { "features" }, { "loc" },    { "conf" },  { "spatial" },    { "channel" },
                         { "grad_cam" }, { "scores" }, { "score" }, { "box, pixels" } };

static void
note_error (const char *kind, double error, const char *where)
{
  for (guint i = 0; i < G_N_ELEMENTS (worst); i++)
    if (g_str_equal (worst[i].kind, kind) && error > worst[i].error) {
      worst[i].error = error;
      g_free (worst[i].where);
      worst[i].where = g_strdup (where);
    }
}

/* ---- The model and the picture ---------------------------------------------------------------------------------- */

static void
make_model (Golden *golden)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TestModel) model = test_model_new_from_golden (golden->file, golden->about, &error);

  g_assert_no_error (error);
  golden->folder = g_dir_make_tmp ("test-golden-XXXXXX", &error);
  g_assert_no_error (error);
  golden->model = g_build_filename (golden->folder, "model.safetensors", NULL);
  test_model_write (model, golden->model, &error);
  g_assert_no_error (error);
}

/* Noise of all values, or of "span" values from "low" on; black where it is cut off. */
static void
make_picture (Golden *golden, guint32 seed)
{
  JsonObject *picture = json_object_has_member (golden->about, "picture")
                            ? json_object_get_object_member (golden->about, "picture")
                            : NULL;
  const gsize line = 3 * (gsize) (golden->width + 2 * golden->margin), row = 3 * (gsize) golden->width;
  double low[3] = { 0, 0, 0 }, span = 256;

  if (picture != NULL) {
    span = json_object_get_double_member (picture, "span");
    for (guint c = 0; c < 3; c++)
      low[c] = json_array_get_double_element (json_object_get_array_member (picture, "low"), c);
  }
  golden->pixels = g_malloc0 (line * (golden->height + 2 * golden->margin));
  for (gsize i = 0; i < row * golden->height; i++)
    golden->pixels[(i / row + golden->margin) * line + 3 * golden->margin + i % row] =
        (guint8) floor (low[i % 3] + span * cbam_seeded_uniform ("picture", seed, i));
}

static CbamImage
picture_of (const Golden *golden)
{
  return (CbamImage){
    .format = CBAM_FORMAT_RGB,
    .width = golden->width + 2 * golden->margin,
    .height = golden->height + 2 * golden->margin,
    .planes = { golden->pixels },
  };
}

static void
golden_open (Golden *golden, gconstpointer path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSpec) spec = NULL;
  const char *about, *document;
  guint32 seed;

  golden->file = cbam_safetensors_open (path, &error);
  g_assert_no_error (error);
  golden->name = g_path_get_basename (path);
  *strrchr (golden->name, '.') = '\0';
  about = cbam_safetensors_get_metadata (golden->file, "golden");
  document = cbam_safetensors_get_metadata (golden->file, "cbamdetect");
  g_assert_true (about && document);
  golden->about = cbam_json_parse_object (path, about, strlen (about), &error);
  g_assert_no_error (error);
  spec = cbam_spec_parse (path, document, &error);
  g_assert_no_error (error);
  golden->width = spec->input.width;
  golden->height = spec->input.height;
  golden->is_preset = json_object_has_member (golden->about, "preset");
  golden->limit = golden->is_preset ? LIMIT_PRESET : LIMIT;
  if (spec->input.shorter > 0)
    golden->margin = (spec->input.shorter - MIN (golden->width, golden->height)) / 2;
  else if (spec->input.resize == CBAM_RESIZE_CROP)
    golden->margin = ((guint) lround (golden->width / spec->input.fraction) - golden->width) / 2;
  seed = (guint32) json_object_get_int_member (golden->about, "seed");
  make_picture (golden, seed);
  if (golden->is_preset)
    golden->model = g_strdup (json_object_get_string_member (golden->about, "preset"));
  else
    make_model (golden);
}

static void
golden_close (Golden *golden, gconstpointer path)
{
  if (golden->folder != NULL) {
    g_unlink (golden->model);
    g_rmdir (golden->folder);
  }
  g_clear_pointer (&golden->about, json_object_unref);
  cbam_safetensors_free (golden->file);
  g_free (golden->pixels);
  g_free (golden->folder);
  g_free (golden->model);
  g_free (golden->name);
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

/* "golden.level.0.spatial"; NULL where the file leaves it out. */
static const CbamFileTensor *
find_level (const Golden *golden, guint level, const char *kind)
{
  g_autofree char *name = g_strdup_printf ("golden.level.%u.%s", level, kind);

  return cbam_safetensors_get (golden->file, name);
}

static float *
values_of (const CbamFileTensor *tensor)
{
  float *values = g_new (float, MAX (tensor->n_elements, 1));

  cbam_file_tensor_to_float (tensor, values);
  return values;
}

/* "[2][0][5] of [16][4][6]" for an element. */
static char *
describe_place (const CbamFileTensor *tensor, gsize index)
{
  g_autofree char *shape = cbam_dims_to_string (tensor->dims, tensor->n_dims);
  gsize place[CBAM_MAX_DIMS];
  g_autofree char *text = NULL;

  for (guint i = tensor->n_dims; i-- > 0; index /= tensor->dims[i])
    place[i] = index % tensor->dims[i];
  text = cbam_dims_to_string (place, tensor->n_dims);
  return g_strconcat (text, " of ", shape, NULL);
}

/* Fails the test, and goes on, when the relative error is above @limit. */
static void
compare (const Golden *golden, const char *way, const char *kind, const CbamFileTensor *tensor, const float *found,
         double limit)
{
  g_autofree float *expected = values_of (tensor);
  const double error = relative_error (expected, found, tensor->n_elements);
  g_autofree char *where = g_strdup_printf ("%s, %s, %s", golden->name, way, tensor->name);
  g_autofree char *place = NULL;
  double largest = 0;
  gsize bad = 0, n_bad = 0;

  note_error (kind, error, where);
  if (error <= limit)
    return;
  for (gsize i = 0; i < tensor->n_elements; i++)
    largest = MAX (largest, fabs (expected[i]));
  for (gsize i = tensor->n_elements; i-- > 0;)
    if (!(fabs ((double) expected[i] - found[i]) <= limit * largest)) {
      bad = i;
      n_bad++;
    }
  place = describe_place (tensor, bad);
  g_test_message ("%s: relative error %g > %g; %" G_GSIZE_FORMAT " elements are off, the first at %s: expected %g, "
                  "found %g",
                  where, error, limit, n_bad, place, expected[bad], found[bad]);
  g_test_fail ();
}

/* ---- The graph -------------------------------------------------------------------------------------------------- */

static CbamGraph *
build (const Golden *golden, CbamSpec **ret_spec)
{
  g_autoptr (GError) error = NULL;
  CbamGraph *graph = cbam_model_build_graph (golden->model, ret_spec, &error);

  g_assert_no_error (error);
  return graph;
}

/* What a way to run a graph left in a tensor, [channel][row][column]. */
typedef float *(*ReadFunc) (gpointer run, const CbamValue *tensor);

static void
compare_map (const Golden *golden, const char *way, guint level, const char *kind, const CbamValue *tensor,
             guint first_channel, const float *values)
{
  const CbamFileTensor *expected = find_level (golden, level, kind);

  if (expected == NULL)
    return;
  g_assert_cmpuint (expected->n_dims, ==, 3);
  g_assert_cmpuint (expected->dims[0] + first_channel, <=, tensor->channels);
  g_assert_cmpuint (expected->dims[1], ==, tensor->height);
  g_assert_cmpuint (expected->dims[2], ==, tensor->width);
  compare (golden, way, kind, expected, values + (gsize) first_channel * tensor->height * tensor->width, golden->limit);
}

static void
compare_scores (const Golden *golden, const char *way, const CbamValue *scores, ReadFunc read, gpointer run)
{
  const CbamFileTensor *expected = cbam_safetensors_get (golden->file, "golden.scores");
  g_autofree float *found = read (run, scores);

  g_assert_nonnull (expected);
  g_assert_cmpuint (expected->n_elements, ==, scores->channels);
  compare (golden, way, "scores", expected, found, golden->limit);
}

static void
compare_levels (const Golden *golden, const char *way, const CbamGraph *graph, ReadFunc read, gpointer run)
{
  const CbamLevels *levels = cbam_levels_of (graph);
  guint n_compared = 0;

  if (levels->scores != NULL) {
    compare_scores (golden, way, levels->scores, read, run);
    return;
  }
  for (guint l = 0; l < levels->n_levels; l++) {
    const CbamLevel *level = &levels->levels[l];
    const CbamValue *loc = level->detect->inputs[0], *conf = level->detect->inputs[1];
    g_autofree float *features = read (run, level->features), *locs = read (run, loc), *confs = read (run, conf);

    compare_map (golden, way, l, "features", level->features, 0, features);
    compare_map (golden, way, l, "loc", loc, 0, locs);
    compare_map (golden, way, l, "conf", conf, cbam_detect_params (level->detect)->conf_channel, confs);
    n_compared += find_level (golden, l, "loc") || find_level (golden, l, "conf");
  }
  g_assert_cmpuint (n_compared, ==, levels->n_levels);
  g_assert_null (find_level (golden, levels->n_levels, "loc"));
}

static float *
read_slot (gpointer slot, const CbamValue *value)
{
  return test_read (slot, value);
}

/* What heads see and give is to be read. */
static void
show (const CbamLevels *levels)
{
  for (guint l = 0; levels->scores == NULL && l < levels->n_levels; l++) {
    levels->levels[l].features->host |= CBAM_HOST_READS;
    levels->levels[l].detect->inputs[0]->host |= CBAM_HOST_READS;
    levels->levels[l].detect->inputs[1]->host |= CBAM_HOST_READS;
  }
}

static void
run_device (const Golden *golden, const char *way, CbamFusions fusions, const CbamPlanConfig *config)
{
  g_autoptr (CbamSpec) spec = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamProgram) program = NULL;
  g_autoptr (CbamSlot) slot = NULL;
  CbamGraph *graph = build (golden, &spec);
  const CbamImage image = picture_of (golden);
  const CbamPlacement packed = cbam_image_get_packed (&image);
  const CbamLevels *levels = cbam_levels_of (graph);
  g_autofree guint8 *pixels = g_malloc (packed.size);
  float largest;

  cbam_graph_fuse (graph,
                   fusions & cbam_run_get_fusions (device, config != NULL ? config->precision : CBAM_PRECISION_FP32));
  show (levels);
  program = cbam_program_new (device, graph, config, &error);
  g_assert_no_error (error);
  slot = cbam_slot_new (program, FALSE, &error);
  g_assert_no_error (error);
  cbam_image_pack (&image, pixels);
  cbam_frame_fill (cbam_levels_begin (levels, cbam_slot_get (slot, levels->block)), &image, &packed, &spec->input,
                   &spec->output, &spec->nms.params);
  test_run (slot, pixels, packed.size, FALSE);
  if (cbam_slot_find_clamped (slot, &largest) != NULL)
    g_test_skip ("16 bits have no room for its numbers, and auto takes fp32"); /* ghostnet with made-up weights */
  else
    compare_levels (golden, way, graph, read_slot, slot);
}

static void
test_fused (Golden *golden, gconstpointer path)
{
  run_device (golden, "fused", CBAM_FUSE_ALL, NULL);
}

static void
test_unfused (Golden *golden, gconstpointer path)
{
  run_device (golden, "unfused", 0, NULL);
}

/* With maps laid out as on a GPU. */
static void
test_pixel_major (Golden *golden, gconstpointer path)
{
  run_device (golden, "pixel-major", CBAM_FUSE_ALL, &(CbamPlanConfig){ .pixel_major = TRUE });
}

/* Products of convolutions in bfloat16. */
static void
test_bf16 (Golden *golden, gconstpointer path)
{
  if (!device->caps.has_bf16) {
    g_test_skip ("this processor does not compute in bfloat16");
    return;
  }
  golden->limit = LIMIT_BF16;
  run_device (golden, "bf16", CBAM_FUSE_ALL, &(CbamPlanConfig){ .precision = CBAM_PRECISION_BF16 });
}

/* Maps and weights of 16 bits, laid out as on a GPU. */
static void
test_fp16 (Golden *golden, gconstpointer path)
{
  const CbamPlanConfig config = { .pixel_major = TRUE, .precision = CBAM_PRECISION_FP16 };

  if (!cbam_device_has_precision (device, CBAM_PRECISION_FP16)) {
    g_test_skip ("this device does not store 16-bit floats");
    return;
  }
  golden->limit = golden->is_preset ? LIMIT_FP16_PRESET : LIMIT_FP16;
  run_device (golden, "fp16", cbam_plan_get_fusions (&device->caps, CBAM_PRECISION_FP16), &config);
}

static float *
read_reference (gpointer reference, const CbamValue *tensor)
{
  return g_memdup2 (cbam_reference_get (reference, tensor),
                    (gsize) tensor->width * tensor->height * tensor->channels * sizeof (float));
}

static void
test_reference (Golden *golden, gconstpointer path)
{
  g_autoptr (CbamSpec) spec = NULL;
  g_autoptr (CbamGraph) graph = build (golden, &spec);
  g_autoptr (CbamReference) reference = cbam_reference_new (graph);
  const CbamImage image = picture_of (golden);
  const CbamPlacement packed = cbam_image_get_packed (&image);
  g_autofree guint8 *pixels = g_malloc (packed.size);
  const CbamLevels *levels = cbam_levels_of (graph);

  cbam_image_pack (&image, pixels);
  cbam_frame_fill (cbam_levels_begin (levels, cbam_reference_get_bytes (reference, levels->block)), &image, &packed,
                   &spec->input, &spec->output, &spec->nms.params);
  cbam_reference_run (reference, pixels);
  compare_levels (golden, "reference", graph, read_reference, reference);
}

static void
test_parameters (Golden *golden, gconstpointer path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDescription) description = cbam_describe (golden->model, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (cbam_description_get_info (description)->parameters, ==,
                    (guint64) json_object_get_int_member (golden->about, "parameters"));
}

/* ---- The public way --------------------------------------------------------------------------------------------- */

static void
compare_detections (const Golden *golden, const CbamResult *result)
{
  const CbamFileTensor *tensor = cbam_safetensors_get (golden->file, "golden.detections");
  g_autofree float *expected = values_of (tensor);
  const CbamDetection *found;
  gsize n;

  found = test_get_detections (result, &n);
  if (n != tensor->dims[0]) {
    g_test_message ("%s: expected %" G_GSIZE_FORMAT " detections, found %" G_GSIZE_FORMAT, golden->name,
                    tensor->dims[0], n);
    g_test_fail ();
  }
  for (gsize i = 0; i < MIN (n, tensor->dims[0]); i++) {
    const float *row = expected + i * 6;
    const float box[4] = { found[i].x, found[i].y, found[i].width, found[i].height };
    const double score_error = fabs ((double) row[1] - found[i].score);
    double box_error = 0;

    for (guint b = 0; b < 4; b++)
      box_error = MAX (box_error, fabs ((double) row[2 + b] - box[b]));
    note_error ("score", score_error, golden->name);
    note_error ("box, pixels", box_error, golden->name);
    if (found[i].class_id == (guint) row[0] && score_error <= LIMIT_SCORE && box_error <= LIMIT_BOX)
      continue;
    g_test_message ("%s: detection %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                    ": expected class %g, score %g, box %g,%g %gx%g, found class %u, score %g, box %g,%g %gx%g",
                    golden->name, i, n, row[0], row[1], row[2], row[3], row[4], row[5], found[i].class_id,
                    found[i].score, box[0], box[1], box[2], box[3]);
    g_test_fail ();
  }
}

/* The file has those whose order is clear. */
static void
compare_classes (const Golden *golden, const CbamFileTensor *tensor, const CbamResult *result)
{
  g_autofree float *expected = values_of (tensor);

  if (golden->is_preset)
    g_assert_cmpuint (cbam_result_get_n_classes (result), >=, tensor->dims[0]);
  else
    g_assert_cmpuint (cbam_result_get_n_classes (result), ==, tensor->dims[0]);
  for (gsize i = 0; i < tensor->dims[0]; i++) {
    const CbamClass *found = cbam_result_get_class (result, i);
    const double score_error = fabs ((double) expected[2 * i + 1] - found->score);

    note_error ("score", score_error, golden->name);
    if (found->class_id == (guint) expected[2 * i] && score_error <= LIMIT_SCORE)
      continue;
    g_test_message ("%s: class %" G_GSIZE_FORMAT ": expected %g, score %g, found %u, score %g", golden->name, i,
                    expected[2 * i], expected[2 * i + 1], found->class_id, found->score);
    g_test_fail ();
  }
}

/* Compares a map that lies over all that the network sees, of which a pixel is one of the picture's. */
static void
compare_cells (const Golden *golden, const char *kind, const CbamFileTensor *expected, const CbamMap *map, double limit)
{
  const float margin = (float) golden->margin;

  if (map->height == expected->dims[0] && map->width == expected->dims[1] && fabsf (map->x - margin) < SMALL &&
      fabsf (map->y - margin) < SMALL && fabsf (map->frame_width - (float) golden->width) < SMALL &&
      fabsf (map->frame_height - (float) golden->height) < SMALL) {
    compare (golden, "detector", kind, expected, map->values, limit);
    return;
  }
  g_test_message ("%s, %s: expected %ux%u cells over %u,%u %ux%u, found %ux%u over %g,%g %gx%g", golden->name,
                  expected->name, (guint) expected->dims[1], (guint) expected->dims[0], golden->margin, golden->margin,
                  golden->width, golden->height, map->width, map->height, map->x, map->y, map->frame_width,
                  map->frame_height);
  g_test_fail ();
}

static gboolean
has_attention (const Golden *golden, guint level)
{
  return find_level (golden, level, "spatial") || find_level (golden, level, "channel");
}

static void
compare_attention (const Golden *golden, const CbamResult *result)
{
  const CbamAttention *found;
  gsize n;

  found = test_get_attention (result, &n);
  g_assert_true (found || !has_attention (golden, 0));
  n = found != NULL ? n : 0;
  g_assert_false (has_attention (golden, (guint) n));
  for (guint l = 0; l < n; l++) {
    const CbamFileTensor *spatial = find_level (golden, l, "spatial"), *channel = find_level (golden, l, "channel");

    g_assert_cmpuint (found[l].level, ==, l);
    g_assert_true (!spatial == !found[l].spatial);
    g_assert_true (!channel == !found[l].channel);
    if (spatial != NULL)
      compare_cells (golden, "spatial", spatial, found[l].spatial, golden->limit);
    if (channel != NULL) {
      g_assert_cmpuint (found[l].n_channels, ==, channel->dims[0]);
      compare (golden, "detector", "channel", channel, found[l].channel, golden->limit);
    }
  }
}

/* How many there should be. */
static gsize
count_results (const Golden *golden, const CbamResult *result)
{
  const CbamFileTensor *classes = cbam_safetensors_get (golden->file, "golden.classes");
  gsize n;

  if (classes != NULL)
    return classes->dims[0];
  test_get_detections (result, &n);
  return MIN (n, cbam_safetensors_get (golden->file, "golden.detections")->dims[0]);
}

/* Of a classifier with a hidden layer there are none. */
static gboolean
has_grad_cams (const Golden *golden)
{
  return cbam_safetensors_get (golden->file, "golden.grad_cam.0") != NULL;
}

static void
compare_grad_cams (const Golden *golden, const CbamResult *result)
{
  const gsize n = has_grad_cams (golden) ? count_results (golden, result) : 0;

  for (guint i = 0; i < MIN (n, GRAD_CAMS); i++) {
    g_autofree char *name = g_strdup_printf ("golden.grad_cam.%u", i);
    const CbamFileTensor *expected = cbam_safetensors_get (golden->file, name);
    const CbamMap *map = cbam_result_get_grad_cam (result, i);

    g_assert_true (expected && map && map->values);
    compare_cells (golden, "grad_cam", expected, map, LIMIT_GRAD_CAM);
  }
  g_assert_null (cbam_result_get_grad_cam (result, GRAD_CAMS));
}

static CbamDetector *
open_detector (const Golden *golden, guint max_batch)
{
  const CbamModelConfig config = { .precision = CBAM_PRECISION_FP32, .max_batch = max_batch };
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamModel) model = golden->is_preset ? cbam_model_load_preset (device, golden->model, &config, &error)
                                                  : cbam_model_load (device, golden->model, &config, &error);
  CbamDetector *detector;

  g_assert_no_error (error);
  detector = cbam_detector_new (model, &(CbamDetectorConfig){ .slots = 1 }, &error);
  g_assert_no_error (error);
  return detector;
}

static CbamDetectParams
get_params (const Golden *golden)
{
  CbamDetectParams params = { .attention = TRUE, .grad_cam = GRAD_CAMS };

  if (json_object_has_member (golden->about, "threshold"))
    params.threshold = (float) json_object_get_double_member (golden->about, "threshold");
  return params;
}

static void
compare_result (const Golden *golden, const CbamResult *result)
{
  const CbamFileTensor *classes = cbam_safetensors_get (golden->file, "golden.classes");

  if (classes != NULL)
    compare_classes (golden, classes, result);
  else
    compare_detections (golden, result);
  compare_attention (golden, result);
  compare_grad_cams (golden, result);
}

static void
test_detector (Golden *golden, gconstpointer path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) detector = open_detector (golden, 0);
  g_autoptr (CbamResult) result = NULL;
  const CbamImage image = picture_of (golden);
  const CbamDetectParams params = get_params (golden);

  g_assert_true (cbam_detector_submit (detector, &image, &params, &error));
  result = cbam_detector_collect (detector, &error);
  g_assert_no_error (error);
  compare_result (golden, result);
}

#define BATCH 3

/* The picture above others, which are its negative and are black. */
static guint8 *
stack_pictures (const Golden *golden, const CbamImage *image)
{
  const gsize size = 3 * (gsize) image->width * image->height;
  guint8 *pixels = g_malloc0 (BATCH * size);

  memcpy (pixels, golden->pixels, size);
  for (gsize i = 0; i < size; i++)
    pixels[size + i] = 255 - golden->pixels[i];
  return pixels;
}

/* The picture is the second of a batch, which is full, and then the second of two. */
static void
test_batch (Golden *golden, gconstpointer path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamDetector) detector = open_detector (golden, BATCH);
  const CbamImage one = picture_of (golden);
  g_autofree guint8 *pixels = stack_pictures (golden, &one);
  const CbamImage all = {
    .format = one.format, .width = one.width, .height = BATCH * one.height, .planes = { pixels }
  };
  const CbamDetectParams params = get_params (golden);
  const CbamRegion regions[BATCH] = { { 0, one.height, one.width, one.height },
                                      { 0, 0, one.width, one.height },
                                      { 0, 2 * one.height, one.width, one.height } };

  for (guint n = BATCH; n > 1; n--) {
    g_assert_true (cbam_detector_submit_regions (detector, &all, regions, n, &params, &error));
    for (guint i = 0; i < n; i++) {
      g_autoptr (CbamResult) result = cbam_detector_collect (detector, &error);
      g_assert_no_error (error);
      if (i == 1)
        compare_result (golden, result);
    }
    g_assert_cmpuint (cbam_detector_get_free_slots (detector), ==, 1);
  }
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static gboolean
is_preset (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSafetensors) file = cbam_safetensors_open (path, &error);

  g_assert_no_error (error);
  return strstr (cbam_safetensors_get_metadata (file, "golden"), "\"preset\":") != NULL;
}

/* @path stays. */
static void
add_file (const char *path)
{
  static const struct
  {
    const char *name;
    void (*test) (Golden *golden, gconstpointer path);
    gboolean for_presets;          /* also */
    gboolean for_host, for_vulkan; /* only */
  } ways[] = {
    { "parameters", test_parameters, TRUE },    { "reference", test_reference, FALSE },
    { "unfused", test_unfused, FALSE },         { "fused", test_fused, TRUE },
    { "pixel-major", test_pixel_major, FALSE }, { "bf16", test_bf16, TRUE, TRUE },
    { "detector", test_detector, TRUE },        { "batch", test_batch, FALSE },
    { "fp16", test_fp16, TRUE, FALSE, TRUE },
  };
  g_autofree char *base = g_path_get_basename (path);

  *strrchr (base, '.') = '\0';
  for (guint w = 0; w < G_N_ELEMENTS (ways); w++) {
    g_autofree char *name = g_strdup_printf ("/golden/%s/%s", base, ways[w].name);

    if ((ways[w].for_presets || !is_preset (path)) && !(test_is_host () ? ways[w].for_vulkan : ways[w].for_host))
      g_test_add (name, Golden, path, golden_open, ways[w].test, golden_close);
  }
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Adds a file, or all of a folder by name; the paths are added to @paths, which owns them. */
static void
add_path (const char *path, GPtrArray *paths)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  if (folder == NULL)
    g_ptr_array_add (names, g_strdup (path));
  while (folder != NULL && (name = g_dir_read_name (folder)))
    if (g_str_has_suffix (name, ".safetensors"))
      g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, by_name);
  g_assert_cmpuint (names->len, >, 0);
  for (guint i = 0; i < names->len; i++)
    add_file (g_ptr_array_index (names, i));
  g_ptr_array_extend_and_steal (paths, g_steal_pointer (&names));
}

static int
print_document (const char *name)
{
  const CbamPreset *preset = cbam_preset_find (name);
  g_autofree char *document = NULL;

  if (preset == NULL) {
    g_printerr ("test-golden: there is no preset \"%s\"\n", name);
    return 1;
  }
  document = cbam_preset_get_document (preset);
  g_print ("%s\n", document);
  return 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  int status;

  if (argc == 3 && g_str_equal (argv[1], "--document"))
    return print_document (argv[2]);
  g_test_init (&argc, &argv, NULL);
  device = test_device_open (CBAM_DEBUG_POISON);
  for (int i = 1; i < argc; i++)
    add_path (argv[i], paths);
  status = g_test_run ();
  for (guint i = 0; i < G_N_ELEMENTS (worst); i++) {
    if (worst[i].where != NULL)
      g_print ("# largest error of %s: %.2g (%s)\n", worst[i].kind, worst[i].error, worst[i].where);
    g_free (worst[i].where);
  }
  cbam_device_unref (device);
  return status;
}
