/* Frames through a filter: as PIL resizes, and on every runner as by the reference, whatever format and size they have.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>

#include "compare.h"
#include "detect/image.h"
#include "images.h"
#include "nets/spec.h"
#include "ops/resample.h"
#include "random-source.h"
#include "run.h"
#include "run/reference/reference.h"
#include "turned.h"

#define MAX_BYTES (1 << 18)

typedef struct
{
  CbamDevice *device;
  CbamProgram *program;
  CbamSlot *slot;
  CbamGraph *truth;
  CbamReference *reference;
  CbamValue *fast_map, *true_map;
  CbamValue *fast_block, *true_block;
  CbamSpec spec; /* that asks for the plain pixel values */
} Bench;

static CbamGraph *
build (const CbamInputSpec *input, gboolean cubic, CbamValue **ret_map, CbamValue **ret_block)
{
  RandomSource source;
  CbamGraph *graph;

  random_source_init (&source, 1);
  graph = cbam_graph_new (&source.source);
  *ret_map = cbam_graph_resample (graph, input->width, input->height, cubic, ret_block);
  (*ret_map)->host |= CBAM_HOST_READS;
  cbam_graph_conv (graph, &(CbamConvForm){ .name = "c", .input = *ret_map, .channels = 3, .kernel = 3, .pad = 1 });
  random_source_clear (&source);
  return graph;
}

static void
bench_init (Bench *bench, guint flags, guint width, guint height, gboolean cubic)
{
  const CbamPlanConfig config = { .canary = 256, .precision = flags & TEST_FP16 ? CBAM_PRECISION_FP16 : 0 };
  g_autoptr (GError) error = NULL;
  CbamGraph *graph;

  bench->spec = (CbamSpec){ .input = { .width = width, .height = height, .scale = { 1, 1, 1 } } };
  bench->device = test_device_open ((flags & ~TEST_FP16) | CBAM_DEBUG_POISON);
  graph = build (&bench->spec.input, cubic, &bench->fast_map, &bench->fast_block);
  bench->program = cbam_program_new (bench->device, graph, &config, &error);
  g_assert_no_error (error);
  bench->slot = cbam_slot_new (bench->program, FALSE, &error);
  g_assert_no_error (error);
  bench->truth = build (&bench->spec.input, cubic, &bench->true_map, &bench->true_block);
  bench->reference = cbam_reference_new (bench->truth);
}

static void
bench_clear (Bench *bench)
{
  cbam_reference_free (bench->reference);
  cbam_graph_free (bench->truth);
  cbam_slot_free (bench->slot);
  cbam_program_free (bench->program);
  cbam_device_unref (bench->device);
}

/* Both ways; [3][height][width]. */
static void
bench_run (Bench *bench, const CbamImage *image, float *found, const float **expected)
{
  g_autoptr (GError) error = NULL;
  const CbamPlacement placement = cbam_image_get_packed (image);
  g_autofree guint8 *packed = g_malloc (placement.size);
  const CbamDetectParams params = { 0 };
  CbamFrameArgs frame;

  g_assert_true (cbam_image_check (image, &error));
  cbam_image_pack (image, packed);
  cbam_frame_fill (&frame, image, &placement, &bench->spec.input, &bench->spec.output, &params);
  memcpy (cbam_slot_get (bench->slot, bench->fast_block), &frame, sizeof frame);
  test_run (bench->slot, packed, placement.size, FALSE);
  cbam_value_read (bench->fast_map, cbam_slot_get (bench->slot, bench->fast_map), found);
  cbam_slot_check_canaries (bench->slot, &error);
  g_assert_no_error (error);
  memcpy (cbam_reference_get_bytes (bench->reference, bench->true_block), &frame, sizeof frame);
  cbam_reference_run (bench->reference, packed);
  *expected = cbam_reference_get (bench->reference, bench->true_map);
}

/* ---- PIL --------------------------------------------------------------------------------------------------------- */

#define PIL_WIDTH 13
#define PIL_HEIGHT 9

/* What PIL 9.4's resize() makes of the picture below: the whole at 5x4 pixels, the first row at 17x11. Regenerate with
 * Image.fromarray (picture).resize ((width, height), Image.BILINEAR or Image.BICUBIC). */
static const guint8 bilinear_small[] = {
  94,  132, 132, 120, 131, 108, 120, 108, 140, 94,  118, 138, 117, 176, 108, 119, 122, 131, 109, 121,
  111, 120, 145, 134, 130, 134, 146, 107, 143, 147, 119, 122, 126, 134, 149, 125, 144, 125, 122, 147,
  136, 142, 127, 131, 145, 145, 118, 123, 156, 137, 101, 158, 144, 110, 138, 134, 138, 146, 125, 144,
};
static const guint8 bilinear_large[] = {
  0,   91,  182, 24,  115, 206, 52,  143, 129, 81,  172, 7,   109, 200, 35,  137, 228,
  63,  165, 136, 91,  194, 29,  120, 222, 57,  148, 55,  85,  176, 23,  114, 205, 51,
  142, 158, 79,  170, 5,   107, 198, 33,  136, 227, 62,  164, 165, 90,  188, 23,  114,
};
static const guint8 bicubic_small[] = {
  90,  132, 134, 123, 134, 102, 121, 100, 146, 87,  115, 138, 118, 182, 102, 123, 122, 131, 104, 119,
  108, 120, 148, 136, 134, 134, 149, 104, 143, 149, 115, 120, 126, 133, 153, 128, 147, 122, 119, 149,
  135, 144, 123, 133, 146, 146, 115, 126, 160, 139, 96,  158, 147, 109, 135, 135, 138, 150, 120, 145,
};
static const guint8 bicubic_large[] = {
  0,   86,  177, 19,  109, 226, 48,  143, 137, 77,  179, 0,   104, 206, 30,  140, 253,
  58,  171, 138, 85,  204, 5,   116, 226, 51,  152, 38,  87,  180, 0,   118, 225, 46,
  145, 170, 82,  173, 0,   109, 200, 21,  138, 248, 60,  167, 167, 94,  191, 2,   117,
};

static const struct
{
  gboolean cubic;
  guint width, height, rows;
  const guint8 *values;
} pil[] = {
  { FALSE, 5, 4, 4, bilinear_small },
  { FALSE, 17, 11, 1, bilinear_large },
  { TRUE, 5, 4, 4, bicubic_small },
  { TRUE, 17, 11, 1, bicubic_large },
};

/* PIL rounds rows, and then columns. */
static void
assert_as_pil (guint i, const float *values, const char *whose)
{
  const gsize plane = (gsize) pil[i].width * pil[i].height;
  double sum = 0, largest = 0;

  for (guint p = 0; p < pil[i].rows * pil[i].width; p++)
    for (guint c = 0; c < 3; c++) {
      const double error = fabs (values[c * plane + p] - pil[i].values[3 * p + c]);

      sum += error;
      largest = MAX (largest, error);
    }
  g_test_message ("%s, %s, %ux%u: off by %.2f at most", whose, pil[i].cubic ? "cubic" : "linear", pil[i].width,
                  pil[i].height, largest);
  g_assert_cmpfloat (largest, <, 1.01);
  g_assert_cmpfloat (sum / (3.0 * pil[i].rows * pil[i].width), <, 0.5);
}

static void
test_as_pil (void)
{
  static guint8 bytes[PIL_HEIGHT][PIL_WIDTH][3];
  const CbamImage image = { .format = CBAM_FORMAT_RGB,
                            .width = PIL_WIDTH,
                            .height = PIL_HEIGHT,
                            .planes = { &bytes[0][0][0] },
                            .strides = { PIL_WIDTH * 3 } };

  for (guint y = 0; y < PIL_HEIGHT; y++)
    for (guint x = 0; x < PIL_WIDTH; x++)
      for (guint c = 0; c < 3; c++)
        bytes[y][x][c] = (guint8) (x * 37 + y * 71 + c * 91 + x * y * 13);
  for (guint i = 0; i < G_N_ELEMENTS (pil); i++) {
    g_autofree float *found = g_new (float, 3 * pil[i].width * pil[i].height);
    const float *expected;
    Bench bench;

    bench_init (&bench, 0, pil[i].width, pil[i].height, pil[i].cubic);
    bench_run (&bench, &image, found, &expected);
    assert_as_pil (i, expected, "reference");
    assert_as_pil (i, found, "device");
    bench_clear (&bench);
  }
}

/* ---- The reference ----------------------------------------------------------------------------------------------- */

static const struct
{
  guint width, height;
} sizes[] = { { 1, 1 }, { 2, 3 }, { 13, 11 }, { 29, 90 }, { 101, 7 }, { 131, 137 } };

static void
test_formats (gconstpointer data)
{
  const guint flags = GPOINTER_TO_UINT (data), width = 13, height = 11;
  const gsize n = 3 * (gsize) width * height;
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  g_autofree float *found = g_new (float, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);

  for (gsize i = 0; i < MAX_BYTES; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  for (guint cubic = 0; cubic <= 1; cubic++) {
    Bench bench;

    bench_init (&bench, flags, width, height, cubic != 0);
    for (guint f = 0; f < TEST_FORMATS; f++)
      for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
        CbamImage image = test_image_over (bytes, test_all_formats[f], sizes[s].width, sizes[s].height, s % 3 * 5);
        g_autofree char *what = g_strdup_printf ("%s, format %d, %ux%u", cubic != 0 ? "cubic" : "linear",
                                                 test_all_formats[f], sizes[s].width, sizes[s].height);
        const float *expected;

        image.chroma = (CbamChroma) ((s + f) % 3);
        image.orientation = (CbamOrientation) ((s + f) % (TURNED_LAST + 1));
        bench.spec.input.resize = (CbamResize) ((s + f) % 3);
        bench.spec.input.shorter = s % 2 != 0 ? 15 : 0;
        bench.spec.input.fraction = 0.75;
        bench.spec.input.channels = (CbamChannels) (f % 2);
        bench.spec.input.rounding = CBAM_ROUNDING_NONE;
        bench_run (&bench, &image, found, &expected);
        if (flags & TEST_FP16) /* of which 11 digits are left */
          assert_close (what, expected, found, n, 1e-3, 0.2);
        else
          assert_close (what, expected, found, n, 2e-4, 5e-2);
        bench.spec.input.rounding = CBAM_ROUNDING_U8;
        bench_run (&bench, &image, found, &expected);
        assert_close (what, expected, found, n, 5e-3, 1);
        for (gsize i = 0; i < n; i++)
          g_assert_cmpfloat (found[i], ==, floorf (found[i]));
      }
    bench_clear (&bench);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/resample/as-pil", test_as_pil);
  g_test_add_data_func ("/resample/formats/texel", GUINT_TO_POINTER (0), test_formats);
  if (!test_is_host ())
    g_test_add_data_func ("/resample/formats/plain", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN), test_formats);
  if (test_has_fp16 ())
    g_test_add_data_func ("/resample/formats/half", GUINT_TO_POINTER (TEST_FP16), test_formats);
  return g_test_run ();
}
