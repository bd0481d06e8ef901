/* The preprocess against its reference for every format, odd sizes, strides, colour matrices, ranges and geometry; and
 * both against colours whose answer is known from the standards.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "compare.h"
#include "detect/image.h"
#include "detect/thin.h"
#include "images.h"
#include "nets/spec.h"
#include "ops/preprocess.h"
#include "random-source.h"
#include "run.h"
#include "run/reference/reference.h"
#include "run/vulkan/program.h"
#include "turned.h"

#define INPUT_WIDTH 23
#define INPUT_HEIGHT 17
#define MAX_BYTES (1 << 20)

static const struct
{
  guint width, height;
} sizes[] = { { 1, 1 }, { 2, 2 }, { 3, 5 }, { 23, 17 }, { 64, 48 }, { 101, 7 }, { 37, 131 } };

/* A spec that asks for the plain pixel values. */
static CbamSpec
plain_spec (void)
{
  return (CbamSpec){
    .input = { .width = INPUT_WIDTH, .height = INPUT_HEIGHT, .scale = { 1, 1, 1 } },
  };
}

typedef struct
{
  CbamDevice *device;
  CbamProgram *program;
  CbamSlot *slot;
  CbamGraph *truth;
  CbamReference *reference;
  CbamValue *fast_map, *true_map;
  CbamValue *fast_block, *true_block;
} Bench;

static CbamGraph *
build (CbamValue **ret_map, CbamValue **ret_block)
{
  RandomSource source;
  CbamGraph *graph;

  random_source_init (&source, 1);
  graph = cbam_graph_new (&source.source);
  *ret_map = cbam_graph_preprocess (graph, INPUT_WIDTH, INPUT_HEIGHT, ret_block);
  (*ret_map)->host |= CBAM_HOST_READS;
  cbam_graph_conv (graph, &(CbamConvForm){ .name = "c", .input = *ret_map, .channels = 3, .kernel = 3, .pad = 1 });
  random_source_clear (&source);
  return graph;
}

static void
bench_init (Bench *bench, guint flags)
{
  const CbamPlanConfig config = { .canary = 256, .precision = flags & TEST_FP16 ? CBAM_PRECISION_FP16 : 0 };
  g_autoptr (GError) error = NULL;

  bench->device = test_device_open ((flags & ~TEST_FP16) | CBAM_DEBUG_POISON);
  bench->program = cbam_program_new (bench->device, build (&bench->fast_map, &bench->fast_block), &config, &error);
  g_assert_no_error (error);
  bench->slot = cbam_slot_new (bench->program, FALSE, &error);
  g_assert_no_error (error);
  bench->truth = build (&bench->true_map, &bench->true_block);
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

static void
run_on_device (Bench *bench, const CbamFrameArgs *frame, const guint8 *pixels, gsize size, gboolean thin, float *found)
{
  memcpy (cbam_slot_get (bench->slot, bench->fast_block), frame, sizeof *frame);
  test_run (bench->slot, pixels, size, thin);
  cbam_value_read (bench->fast_map, cbam_slot_get (bench->slot, bench->fast_map), found);
}

static void
run_reference (Bench *bench, const CbamFrameArgs *frame, const guint8 *pixels)
{
  memcpy (cbam_reference_get_bytes (bench->reference, bench->true_block), frame, sizeof *frame);
  cbam_reference_run (bench->reference, pixels);
}

/* Runs @image both ways; @found and @expected get [3][INPUT_HEIGHT][INPUT_WIDTH]. */
static void
bench_run (Bench *bench, const CbamImage *image, const CbamSpec *spec, float *found, const float **expected)
{
  g_autoptr (GError) error = NULL;
  const CbamPlacement placement = cbam_image_get_packed (image);
  g_autofree guint8 *packed = g_malloc (placement.size);
  const CbamDetectParams params = { 0 };
  CbamFrameArgs frame;

  g_assert_true (cbam_image_check (image, &error));
  cbam_image_pack (image, packed);
  cbam_frame_fill (&frame, image, &placement, &spec->input, &spec->output, &params);
  run_on_device (bench, &frame, packed, placement.size, FALSE, found);
  cbam_slot_check_canaries (bench->slot, &error);
  g_assert_no_error (error);
  run_reference (bench, &frame, packed);
  *expected = cbam_reference_get (bench->reference, bench->true_map);
}

static void
fill_random (guint8 *bytes, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < MAX_BYTES; i++)
    bytes[i] = (guint8) g_rand_int_range (rand, 0, 256);
  g_rand_free (rand);
}

static void
test_formats (gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const CbamSpec spec = plain_spec ();
  const gsize n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *found = g_new (float, n), *again = g_new (float, n);
  Bench bench;

  bench_init (&bench, GPOINTER_TO_UINT (data));
  fill_random (bytes, 11);
  for (guint f = 0; f < TEST_FORMATS; f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      CbamImage image = test_image_over (bytes, test_all_formats[f], sizes[s].width, sizes[s].height, s % 3 * 5);
      g_autofree char *what =
          g_strdup_printf ("format %d, %ux%u", test_all_formats[f], sizes[s].width, sizes[s].height);
      const float *expected;

      image.matrix = (CbamMatrix) ((f + s) % 5);
      image.range = (CbamRange) (s % 3);
      image.chroma = (CbamChroma) ((s + f) % 3);
      image.orientation = (CbamOrientation) ((s + f) % (TURNED_LAST + 1));
      bench_run (&bench, &image, &spec, found, &expected);
      /* Positions in single precision are off by a few millionths of a pixel; a step of 255 makes that 1e-2. */
      if (GPOINTER_TO_UINT (data) & TEST_FP16) /* of which 11 digits are left */
        assert_close (what, expected, found, n, 1e-3, 0.15);
      else
        assert_close (what, expected, found, n, 1e-4, 2e-2);
      bench_run (&bench, &image, &spec, again, &expected);
      g_assert_cmpmem (found, n * sizeof (float), again, n * sizeof (float));
    }
  bench_clear (&bench);
}

/* ---- Thinned frames: every bit as if the whole frame were there -------------------------------------------------- */

/* Sizes of which both, one or no axis is sampled so thinly that lines are left out; the last is so for luma alone. */
static const struct
{
  guint width, height;
} thin_sizes[] = {
  { 403, 311 }, { 401, 19 }, { 25, 611 }, { 92, 68 }, { 93, 69 }, { 91, 67 }, { 150, 100 }, { 1001, 1 }
};

typedef struct
{
  CbamResize resize;
  CbamChroma chroma;
} Geometry;

static const Geometry geometries[] = {
  { CBAM_RESIZE_STRETCH, CBAM_CHROMA_LEFT },
  { CBAM_RESIZE_LETTERBOX, CBAM_CHROMA_CENTER },
  { CBAM_RESIZE_STRETCH, CBAM_CHROMA_TOP_LEFT },
};

/* Runs what is described by @frame, @size bytes at @pixels, on the device and by the reference. */
static void
bench_run_thin (Bench *bench, const CbamFrameArgs *frame, const guint8 *pixels, gsize size, float *found,
                const float **expected)
{
  run_on_device (bench, frame, pixels, size, TRUE, found);
  run_reference (bench, frame, pixels);
  *expected = cbam_reference_get (bench->reference, bench->true_map);
}

/* As the detector thins a frame in the host's memory. */
static void
run_thinned (Bench *bench, const CbamImage *image, const CbamSpec *spec, float *found, const float **expected)
{
  const CbamPlacement placement = cbam_image_get_packed (image);
  const CbamDetectParams params = { 0 };
  g_autofree guint8 *bytes = NULL;
  CbamFrameArgs frame;
  gsize size;

  cbam_frame_fill (&frame, image, &placement, &spec->input, &spec->output, &params);
  cbam_thin_fill (&frame, &spec->input, CBAM_THIN_ROWS | CBAM_THIN_COLUMNS);
  size = cbam_thin_place (&frame);
  bytes = g_malloc (size); /* no byte more than said */
  cbam_thin_pack (image, &frame, bytes);
  bench_run_thin (bench, &frame, bytes, size, found, expected);
}

/* As it thins images: the copies are made here, by hand. FALSE: the format does not come in images. */
static gboolean
run_regions (Bench *bench, const CbamImage *image, const CbamSpec *spec, gsize limit, float *found,
             const float **expected)
{
  CbamPlacement placement = cbam_image_get_packed (image);
  const CbamVulkanPlane source[3] = { { .image = (VkImage) 1 }, { .image = (VkImage) 1 }, { .image = (VkImage) 1 } };
  g_autoptr (GArray) regions = g_array_new (FALSE, FALSE, sizeof (VkBufferImageCopy));
  const CbamDetectParams params = { 0 };
  g_autofree guint8 *bytes = NULL;
  CbamImageCopy copies[3];
  CbamFrameArgs frame;
  guint n;

  cbam_frame_fill (&frame, image, &placement, &spec->input, &spec->output, &params);
  g_assert_true (cbam_image_thin (image, &spec->input, limit, &frame, &placement));
  g_assert_cmpuint (placement.size, <=, limit);
  n = cbam_image_get_copies (source, image, 0, 0, &placement, &frame, copies, regions, NULL);
  if (n == 0)
    return FALSE;
  bytes = g_malloc (placement.size);
  for (guint p = 0; p < n; p++) {
    const guint texel = image->format == CBAM_FORMAT_GRAY8 || image->format == CBAM_FORMAT_I420 ? 1
                        : image->format == CBAM_FORMAT_NV12                                     ? p + 1
                                                                                                : 4;

    for (guint r = copies[p].first; r < copies[p].first + copies[p].n; r++) {
      const VkBufferImageCopy *region = &g_array_index (regions, VkBufferImageCopy, r);

      for (guint y = 0; y < region->imageExtent.height; y++)
        memcpy (bytes + region->bufferOffset + (gsize) y * region->bufferRowLength * texel,
                image->planes[p] + (region->imageOffset.y + y) * image->strides[p] + region->imageOffset.x * texel,
                region->imageExtent.width * texel);
    }
  }
  bench_run_thin (bench, &frame, bytes, placement.size, found, expected);
  return TRUE;
}

static void
test_thinned (gconstpointer data)
{
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const gsize n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *whole = g_new (float, n), *found = g_new (float, n), *truth = g_new (float, n);
  const float *expected;
  guint n_regions = 0;
  Bench bench;

  bench_init (&bench, GPOINTER_TO_UINT (data));
  fill_random (bytes, 17);
  for (guint g = 0; g < G_N_ELEMENTS (geometries); g++)
    for (guint f = 0; f < TEST_FORMATS; f++)
      for (guint s = 0; s < G_N_ELEMENTS (thin_sizes); s++) {
        CbamImage image =
            test_image_over (bytes, test_all_formats[f], thin_sizes[s].width, thin_sizes[s].height, s % 3 * 5);
        CbamSpec spec = plain_spec ();

        spec.input.resize = geometries[g].resize;
        image.chroma = geometries[g].chroma;
        image.orientation = (CbamOrientation) ((g + f + s) % (TURNED_LAST + 1));
        bench_run (&bench, &image, &spec, whole, &expected);
        memcpy (truth, expected, n * sizeof (float));
        run_thinned (&bench, &image, &spec, found, &expected);
        g_assert_cmpmem (expected, n * sizeof (float), truth, n * sizeof (float));
        g_assert_cmpmem (found, n * sizeof (float), whole, n * sizeof (float));
        /* With ever less room rows go, then columns, then both. */
        for (gsize limit = cbam_image_get_packed (&image).size; limit > 40000; limit /= 3) {
          if (!run_regions (&bench, &image, &spec, limit, found, &expected))
            break;
          n_regions++;
          g_assert_cmpmem (expected, n * sizeof (float), truth, n * sizeof (float));
          g_assert_cmpmem (found, n * sizeof (float), whole, n * sizeof (float));
        }
      }
  g_assert_cmpuint (n_regions, >, 40);
  bench_clear (&bench);
}

/* What is left of a frame is bounded by the input, not by the frame. */
static void
test_thinned_sizes (void)
{
  for (guint f = 0; f < TEST_FORMATS; f++) {
    const CbamImage image = { .format = test_all_formats[f], .width = 65535, .height = 65535 };
    const CbamPlacement packed = cbam_image_get_packed (&image);
    const CbamSpec spec = plain_spec ();
    const CbamDetectParams params = { 0 };
    CbamPlacement placement;
    CbamFrameArgs frame;

    cbam_frame_fill (&frame, &image, &packed, &spec.input, &spec.output, &params);
    cbam_thin_fill (&frame, &spec.input, CBAM_THIN_ROWS | CBAM_THIN_COLUMNS);
    /* Groups of three lines; rows of whole words. */
    g_assert_cmpuint (cbam_thin_place (&frame), ==, 3 * (3 * INPUT_WIDTH + 3) * 3 * INPUT_HEIGHT);
    g_assert_false (cbam_image_thin (&image, &spec.input, 1000, &frame, &placement));
    g_assert_cmpuint (placement.size, >, 1000);
  }
}

/* A frame of 16 GiB, of which only what is sampled has ever been written. */
static void
test_thinned_beyond_32_bits (void)
{
  const guint extent = 65535;
  const gsize stride = 4 * (gsize) extent, n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  guint8 *bytes =
      mmap (NULL, stride * extent, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const CbamImage image = { .format = CBAM_FORMAT_RGBA, .width = extent, .height = extent, .planes = { bytes } };
  const CbamPlacement packed = cbam_image_get_packed (&image);
  const CbamSpec spec = plain_spec ();
  const CbamDetectParams params = { 0 };
  g_autofree float *found = g_new (float, n), *truth = g_new (float, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  const float *expected;
  CbamFrameArgs frame;
  Bench bench;

  if (bytes == MAP_FAILED) {
    g_test_skip ("no room for a frame of 16 GiB");
    return;
  }
  cbam_frame_fill (&frame, &image, &packed, &spec.input, &spec.output, &params);
  for (guint y = 0; y < INPUT_HEIGHT; y++)
    for (guint x = 0; x < INPUT_WIDTH; x++) {
      const gsize row = (gsize) ((y + 0.5) * frame.scale_y) - 3, column = (gsize) ((x + 0.5) * frame.scale_x) - 3;

      for (guint i = 0; i < 6 * 6; i++)
        for (guint c = 0; c < 4; c++)
          bytes[(row + i / 6) * stride + (column + i % 6) * 4 + c] = (guint8) g_rand_int_range (rand, 1, 256);
    }
  bench_init (&bench, 0);
  run_reference (&bench, &frame, bytes);
  memcpy (truth, cbam_reference_get (bench.reference, bench.true_map), n * sizeof (float));
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (truth[i], >, 0);
  run_thinned (&bench, &image, &spec, found, &expected);
  g_assert_cmpmem (expected, n * sizeof (float), truth, n * sizeof (float));
  /* A position of 65000 in single precision is right to 1/256 of a pixel; a step of 255 makes that 1. */
  assert_close ("16 GiB", expected, found, n, 1e-2, 3.0);
  bench_clear (&bench);
  munmap (bytes, stride * extent);
}

/* What the device reads in the caller's memory is what it reads in a copy. */
static void
test_in_place (void)
{
  const CbamSpec spec = plain_spec ();
  const CbamDetectParams params = { 0 };
  const gsize n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *copied = g_new (float, n), *found = g_new (float, n);
  g_autoptr (GError) error = NULL;
  Bench bench;

  bench_init (&bench, 0);
  const gsize alignment = bench.device->caps.import_alignment;
  if (alignment == 0) {
    g_test_skip ("the device cannot read the host's memory in place");
    bench_clear (&bench);
    return;
  }
  guint8 *bytes = g_aligned_alloc (1, MAX_BYTES, alignment);
  fill_random (bytes, 13);
  for (guint f = 0; f < TEST_FORMATS; f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
      CbamImage image = test_image_over (bytes, test_all_formats[f], sizes[s].width, sizes[s].height, s % 3 * 5);
      const guint8 *start;
      CbamPlacement placement;
      const float *expected;

      image.orientation = (CbamOrientation) ((s + f) % (TURNED_LAST + 1));
      bench_run (&bench, &image, &spec, copied, &expected);
      g_assert_true (cbam_image_get_in_place (&image, alignment, &start, &placement));
      g_assert_true (start == bytes);
      cbam_frame_fill ((CbamFrameArgs *) cbam_slot_get (bench.slot, bench.fast_block), &image, &placement, &spec.input,
                       &spec.output, &params);
      g_assert_true (cbam_slot_submit (bench.slot, &(CbamSlotInput){ .start = start, .size = placement.size }, &error));
      g_assert_true (cbam_slot_wait (bench.slot, &error));
      cbam_value_read (bench.fast_map, cbam_slot_get (bench.slot, bench.fast_map), found);
      g_assert_cmpmem (copied, n * sizeof (float), found, n * sizeof (float));
      /* ... and the other way round again. */
      bench_run (&bench, &image, &spec, found, &expected);
      g_assert_cmpmem (copied, n * sizeof (float), found, n * sizeof (float));

      image.planes[0]++;
      g_assert_false (cbam_image_get_in_place (&image, alignment, &start, &placement));
    }
  CbamImage apart = test_image_over (bytes, CBAM_FORMAT_NV12, 16, 16, 0);
  apart.planes[1] += 2 * MAX (alignment, 4096);
  const guint8 *start;
  CbamPlacement placement;
  g_assert_false (cbam_image_get_in_place (&apart, alignment, &start, &placement));
  bench_clear (&bench);
  g_aligned_free (bytes);
}

static void
test_geometry (void)
{
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const gsize n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *found = g_new (float, n);
  Bench bench;

  bench_init (&bench, 0);
  fill_random (bytes, 12);
  for (guint s = 0; s < G_N_ELEMENTS (sizes); s++) {
    const CbamImage image = test_image_over (bytes, CBAM_FORMAT_RGB, sizes[s].width, sizes[s].height, 0);
    CbamSpec spec = plain_spec ();
    const float *expected;

    spec.input.resize = CBAM_RESIZE_LETTERBOX;
    spec.input.channels = CBAM_CHANNELS_BGR;
    spec.input.mean[0] = 104;
    spec.input.mean[1] = 117;
    spec.input.mean[2] = 123;
    spec.input.scale[2] = 0.5f;
    bench_run (&bench, &image, &spec, found, &expected);
    assert_close ("letterbox", expected, found, n, 1e-4, 2e-2);

    spec = plain_spec ();
    spec.input.rounding = CBAM_ROUNDING_U8;
    bench_run (&bench, &image, &spec, found, &expected);
    assert_close ("u8", expected, found, n, 1e-2, 1.0); /* a value at .5 may go either way */
    for (gsize i = 0; i < n; i++)
      g_assert_cmpfloat (found[i], ==, floorf (found[i]));
  }
  bench_clear (&bench);
}

/* Letterboxing a square into 23x17 leaves three columns at each side, filled with the mean: zero after it. */
static void
test_letterbox_fill (void)
{
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const CbamImage image = test_image_over (bytes, CBAM_FORMAT_RGB, 34, 34, 0);
  CbamSpec spec = plain_spec ();
  g_autofree float *found = g_new (float, 3 * INPUT_WIDTH * INPUT_HEIGHT);
  const float *expected;
  Bench bench;

  memset (bytes, 200, MAX_BYTES);
  spec.input.resize = CBAM_RESIZE_LETTERBOX;
  spec.input.mean[0] = spec.input.mean[1] = spec.input.mean[2] = 100;
  bench_init (&bench, 0);
  bench_run (&bench, &image, &spec, found, &expected);
  for (guint y = 0; y < INPUT_HEIGHT; y++)
    for (guint x = 0; x < INPUT_WIDTH; x++)
      g_assert_cmpfloat_with_epsilon (found[y * INPUT_WIDTH + x], x < 3 || x >= 20 ? 0 : 100, 1e-3);
  bench_clear (&bench);
}

/* A frame of one colour comes out as that colour, whatever carries it. 8-bit codes of the colour bars: BT.601 and
 * BT.709 limited range (ITU-R BT.601-7, BT.709-6), full range as JFIF. Codes are rounded, so the answer is within 2. */
static void
test_known_colours (void)
{
  static const struct
  {
    CbamMatrix matrix;
    CbamRange range;
    guint8 y, cb, cr;
    float rgb[3];
  } colours[] = {
    { CBAM_MATRIX_BT601, CBAM_RANGE_DEFAULT, 81, 90, 240, { 255, 0, 0 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_LIMITED, 145, 54, 34, { 0, 255, 0 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_LIMITED, 41, 240, 110, { 0, 0, 255 } },
    { CBAM_MATRIX_BT709, CBAM_RANGE_LIMITED, 63, 102, 240, { 255, 0, 0 } },
    { CBAM_MATRIX_BT709, CBAM_RANGE_LIMITED, 173, 42, 26, { 0, 255, 0 } },
    { CBAM_MATRIX_BT709, CBAM_RANGE_LIMITED, 32, 240, 118, { 0, 0, 255 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_FULL, 76, 85, 255, { 255, 0, 0 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_LIMITED, 51, 207, 115, { 20, 20, 200 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_LIMITED, 235, 128, 128, { 255, 255, 255 } },
    { CBAM_MATRIX_BT601, CBAM_RANGE_LIMITED, 16, 128, 128, { 0, 0, 0 } },
  };
  static const CbamFormat yuv[] = { CBAM_FORMAT_NV12, CBAM_FORMAT_I420, CBAM_FORMAT_YUY2, CBAM_FORMAT_UYVY };
  const CbamSpec spec = plain_spec ();
  const gsize plane = INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *found = g_new (float, 3 * plane);
  Bench bench;

  bench_init (&bench, 0);
  for (guint c = 0; c < G_N_ELEMENTS (colours); c++)
    for (guint f = 0; f < G_N_ELEMENTS (yuv); f++) {
      g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
      CbamImage image = test_image_over (bytes, yuv[f], 31, 9, 0);
      const gsize chroma = (gsize) (image.planes[1] != NULL ? image.planes[1] - bytes : 0);
      const float *expected;

      for (gsize i = 0; i < MAX_BYTES; i++)
        switch (yuv[f]) {
          case CBAM_FORMAT_NV12:
            bytes[i] = i < chroma ? colours[c].y : (i - chroma) % 2 ? colours[c].cr : colours[c].cb;
            break;
          case CBAM_FORMAT_I420:
            bytes[i] = i < chroma ? colours[c].y : bytes + i < image.planes[2] ? colours[c].cb : colours[c].cr;
            break;
          case CBAM_FORMAT_YUY2:
            bytes[i] = i % 2 == 0 ? colours[c].y : i % 4 == 1 ? colours[c].cb : colours[c].cr;
            break;
          default: bytes[i] = i % 2 == 1 ? colours[c].y : i % 4 == 0 ? colours[c].cb : colours[c].cr; break;
        }
      image.matrix = colours[c].matrix;
      image.range = colours[c].range;
      bench_run (&bench, &image, &spec, found, &expected);
      for (guint i = 0; i < 3 * plane; i++)
        g_assert_cmpfloat_with_epsilon (found[i], colours[c].rgb[i / plane], 2.0);
    }
  bench_clear (&bench);
}

/* Where chroma samples sit. Cr of a full-range I420 frame rises by 4 a sample both ways, the frame is exactly the
 * network's input, and red is Y + 1.402 (Cr - 128): pixel (x, y) must show Cr at its own place among the samples. */
static void
test_chroma_sites (void)
{
  static const struct
  {
    CbamChroma chroma;
    double shift_x, shift_y; /* of pixel 0 among the samples: -1/4 where the first sits between two pixels */
  } sites[] = { { CBAM_CHROMA_LEFT, 0, -0.25 }, { CBAM_CHROMA_CENTER, -0.25, -0.25 }, { CBAM_CHROMA_TOP_LEFT, 0, 0 } };
  const CbamSpec spec = plain_spec ();
  const guint half_width = (INPUT_WIDTH + 1) / 2, half_height = (INPUT_HEIGHT + 1) / 2;
  g_autofree guint8 *luma = g_malloc (INPUT_WIDTH * INPUT_HEIGHT), *cb = g_malloc (half_width * half_height);
  g_autofree guint8 *cr = g_malloc (half_width * half_height);
  g_autofree float *found = g_new (float, 3 * INPUT_WIDTH * INPUT_HEIGHT);
  Bench bench;

  memset (luma, 60, INPUT_WIDTH * INPUT_HEIGHT);
  memset (cb, 128, half_width * half_height);
  for (guint y = 0; y < half_height; y++)
    for (guint x = 0; x < half_width; x++)
      cr[y * half_width + x] = (guint8) (100 + 4 * x + 4 * y);
  bench_init (&bench, 0);
  for (guint s = 0; s < G_N_ELEMENTS (sites); s++) {
    const CbamImage image = { .format = CBAM_FORMAT_I420,
                              .width = INPUT_WIDTH,
                              .height = INPUT_HEIGHT,
                              .planes = { luma, cb, cr },
                              .range = CBAM_RANGE_FULL,
                              .chroma = sites[s].chroma };
    const float *expected;

    bench_run (&bench, &image, &spec, found, &expected);
    for (guint y = 1; y + 2 < INPUT_HEIGHT; y++)
      for (guint x = 1; x + 2 < INPUT_WIDTH; x++) {
        const double at = 100 + 4 * (x / 2.0 + sites[s].shift_x) + 4 * (y / 2.0 + sites[s].shift_y);

        g_assert_cmpfloat_with_epsilon (found[y * INPUT_WIDTH + x], 60 + 1.402 * (at - 128), 0.05);
      }
  }
  bench_clear (&bench);
}

/* Mean and scale stand in the file's channel order. */
static void
test_channel_order (void)
{
  const guint8 pixel[] = { 200, 150, 100 };
  const CbamImage image = { .format = CBAM_FORMAT_RGB, .width = 1, .height = 1, .planes = { pixel } };
  const float by_order[2][3] = { { (200 - 10) * 1, (150 - 20) * 2, (100 - 30) * 3 },
                                 { (100 - 10) * 1, (150 - 20) * 2, (200 - 30) * 3 } };
  const gsize plane = INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *found = g_new (float, 3 * plane);
  Bench bench;

  bench_init (&bench, 0);
  for (guint order = CBAM_CHANNELS_RGB; order <= CBAM_CHANNELS_BGR; order++) {
    CbamSpec spec = plain_spec ();
    const float *expected;

    spec.input.channels = (CbamChannels) order;
    for (guint c = 0; c < 3; c++) {
      spec.input.mean[c] = 10 * (c + 1);
      spec.input.scale[c] = c + 1;
    }
    bench_run (&bench, &image, &spec, found, &expected);
    for (guint c = 0; c < 3; c++)
      g_assert_cmpfloat_with_epsilon (found[c * plane + plane / 2], by_order[order][c], 1e-2);
  }
  bench_clear (&bench);
}

/* Half-pixel centres, no antialiasing: twice the size of a ramp lands a quarter pixel beside the samples. */
static void
test_half_pixel_centres (void)
{
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES);
  const CbamSpec spec = plain_spec ();
  g_autofree float *found = g_new (float, 3 * INPUT_WIDTH * INPUT_HEIGHT);
  const float *expected;
  CbamImage image;
  Bench bench;

  for (gsize i = 0; i < MAX_BYTES; i++)
    bytes[i] = (guint8) (i % (2 * INPUT_WIDTH) * 5);
  image = test_image_over (bytes, CBAM_FORMAT_GRAY8, 2 * INPUT_WIDTH, INPUT_HEIGHT, 0);
  bench_init (&bench, 0);
  bench_run (&bench, &image, &spec, found, &expected);
  for (guint x = 0; x < INPUT_WIDTH; x++)
    g_assert_cmpfloat_with_epsilon (found[x], (2 * x + 0.5) * 5, 1e-3);
  bench_clear (&bench);
}

/* ---- Turned frames ---------------------------------------------------------------------------------------------- */

/* The network's input of @image is, bit by bit, what it is of the same picture turned upright beforehand. */
static void
assert_as_upright (Bench *bench, const CbamSpec *spec, const CbamImage *image, const CbamImage *upright)
{
  const gsize n = 3 * INPUT_WIDTH * INPUT_HEIGHT;
  g_autofree float *by_hand = g_new (float, n), *found = g_new (float, n);
  const float *expected;

  bench_run (bench, upright, spec, by_hand, &expected);
  bench_run (bench, image, spec, found, &expected);
  g_assert_cmpmem (by_hand, n * sizeof (float), found, n * sizeof (float));
  assert_close ("turned", expected, found, n, 1e-4, 2e-2);
}

/* @upright over @bytes, as @image says that it must be turned. @sub: subsampling of planes but the first. */
static CbamImage
turn_upright (const CbamImage *image, guint sub, const guint8 bytes_per_pixel[3], guint8 *bytes)
{
  const gboolean swaps = turned_swaps (image->orientation);
  CbamImage upright = test_image_over (bytes, image->format, swaps ? image->height : image->width,
                                       swaps ? image->width : image->height, 0);

  for (guint p = 0; p < 3 && image->planes[p] != NULL; p++) {
    const guint by = p > 0 ? sub : 1;

    turned_upright (image->orientation, image->planes[p], (image->width + by - 1) / by, (image->height + by - 1) / by,
                    image->strides[p], bytes_per_pixel[p], (guint8 *) upright.planes[p]);
  }
  upright.chroma = image->chroma;
  return upright;
}

/* All ways for all formats whose pixels stand alone, stretched and letterboxed; and for those with planes of chroma in
 * the middle of four pixels, which every turn of even sides leaves there. Elsewhere a turn moves chroma within its
 * pixels, which no turned frame of the same format can say: there is no such picture to compare with. */
static void
test_turned (gconstpointer data)
{
  static const struct
  {
    CbamFormat format;
    guint sub;
    guint8 bytes[3];
  } turnable[] = {
    { CBAM_FORMAT_RGB, 1, { 3 } },        { CBAM_FORMAT_BGR, 1, { 3 } },   { CBAM_FORMAT_RGBA, 1, { 4 } },
    { CBAM_FORMAT_BGRX, 1, { 4 } },       { CBAM_FORMAT_GRAY8, 1, { 1 } }, { CBAM_FORMAT_NV12, 2, { 1, 2 } },
    { CBAM_FORMAT_I420, 2, { 1, 1, 1 } },
  };
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES), *other = g_malloc (MAX_BYTES);
  Bench bench;

  bench_init (&bench, GPOINTER_TO_UINT (data));
  fill_random (bytes, 14);
  for (guint f = 0; f < G_N_ELEMENTS (turnable); f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
        const guint round = turnable[f].sub - 1;
        CbamImage image = test_image_over (bytes, turnable[f].format, (sizes[s].width + round) & ~round,
                                           (sizes[s].height + round) & ~round, s % 3 * 5);
        CbamSpec spec = plain_spec ();

        image.orientation = (CbamOrientation) o;
        image.chroma = CBAM_CHROMA_CENTER;
        const CbamImage upright = turn_upright (&image, turnable[f].sub, turnable[f].bytes, other);
        assert_as_upright (&bench, &spec, &image, &upright);
        spec.input.resize = CBAM_RESIZE_LETTERBOX;
        spec.input.mean[0] = 100;
        assert_as_upright (&bench, &spec, &image, &upright);
      }
  bench_clear (&bench);
}

/* Puts luma where @image has it, given tight rows of it. */
static void
set_luma (const CbamImage *image, const guint8 *luma)
{
  const gboolean packed = image->format == CBAM_FORMAT_YUY2 || image->format == CBAM_FORMAT_UYVY;
  const guint step = packed ? 2 : 1, offset = image->format == CBAM_FORMAT_UYVY ? 1 : 0;

  for (guint y = 0; y < image->height; y++)
    for (guint x = 0; x < image->width; x++)
      ((guint8 *) image->planes[0])[y * image->strides[0] + x * step + offset] = luma[y * image->width + x];
}

/* Luma of all formats that have it, of all sizes: beside chroma of 0 everywhere, which is 0 between samples
 * too, it is that of a turned picture. */
static void
test_turned_luma (void)
{
  static const CbamFormat yuv[] = { CBAM_FORMAT_NV12, CBAM_FORMAT_I420, CBAM_FORMAT_YUY2, CBAM_FORMAT_UYVY };
  g_autofree guint8 *luma = g_malloc (MAX_BYTES), *turned = g_malloc (MAX_BYTES);
  g_autofree guint8 *bytes = g_malloc (MAX_BYTES), *other = g_malloc (MAX_BYTES);
  const CbamSpec spec = plain_spec ();
  Bench bench;

  bench_init (&bench, 0);
  fill_random (luma, 15);
  for (gsize i = 0; i < MAX_BYTES; i++)
    luma[i] %= 100; /* more would be white */
  for (guint f = 0; f < G_N_ELEMENTS (yuv); f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
        const guint width = sizes[s].width, height = sizes[s].height;
        const gboolean swaps = turned_swaps ((CbamOrientation) o);
        CbamImage image = test_image_over (bytes, yuv[f], width, height, s % 3 * 5);
        const CbamImage upright = test_image_over (other, yuv[f], swaps ? height : width, swaps ? width : height, 0);

        memset (bytes, 0, MAX_BYTES);
        memset (other, 0, MAX_BYTES);
        image.orientation = (CbamOrientation) o;
        turned_upright (image.orientation, luma, width, height, width, 1, turned);
        set_luma (&image, luma);
        set_luma (&upright, turned);
        assert_as_upright (&bench, &spec, &image, &upright);
      }
  bench_clear (&bench);
}

/* Chroma of turned frames lies where the stored samples are: as test_chroma_sites(), with frames that the network sees
 * pixel by pixel once they are upright. */
static void
test_turned_chroma (void)
{
  static const struct
  {
    CbamChroma chroma;
    double shift_x, shift_y;
  } sites[] = { { CBAM_CHROMA_LEFT, 0, -0.25 }, { CBAM_CHROMA_CENTER, -0.25, -0.25 }, { CBAM_CHROMA_TOP_LEFT, 0, 0 } };
  const guint half = (MAX (INPUT_WIDTH, INPUT_HEIGHT) + 1) / 2;
  const CbamSpec spec = plain_spec ();
  g_autofree guint8 *luma = g_malloc (INPUT_WIDTH * INPUT_HEIGHT), *cb = g_malloc (half * half);
  g_autofree guint8 *cr = g_malloc (half * half);
  g_autofree float *found = g_new (float, 3 * INPUT_WIDTH * INPUT_HEIGHT);
  Bench bench;

  memset (luma, 60, INPUT_WIDTH * INPUT_HEIGHT);
  memset (cb, 128, half * half);
  for (guint i = 0; i < half * half; i++)
    cr[i] = (guint8) (100 + 4 * (i % half) + 2 * (i / half));
  bench_init (&bench, 0);
  for (guint s = 0; s < G_N_ELEMENTS (sites); s++)
    for (guint o = TURNED_FIRST; o <= TURNED_LAST; o++) {
      const gboolean swaps = turned_swaps ((CbamOrientation) o);
      const CbamImage image = { .format = CBAM_FORMAT_I420,
                                .width = swaps ? INPUT_HEIGHT : INPUT_WIDTH,
                                .height = swaps ? INPUT_WIDTH : INPUT_HEIGHT,
                                .planes = { luma, cb, cr },
                                .strides = { 0, half, half },
                                .range = CBAM_RANGE_FULL,
                                .chroma = sites[s].chroma,
                                .orientation = (CbamOrientation) o };
      const float *expected;

      bench_run (&bench, &image, &spec, found, &expected);
      for (guint v = 2; v + 2 < INPUT_HEIGHT; v++)
        for (guint u = 2; u + 2 < INPUT_WIDTH; u++) {
          guint x, y;

          turned_find (image.orientation, image.width, image.height, u, v, &x, &y);
          const double at = 100 + 4 * (x / 2.0 + sites[s].shift_x) + 2 * (y / 2.0 + sites[s].shift_y);
          g_assert_cmpfloat_with_epsilon (found[v * INPUT_WIDTH + u], 60 + 1.402 * (at - 128), 0.05);
        }
    }
  bench_clear (&bench);
}

static void
test_bad_images (void)
{
  const guint8 byte = 0;
  const CbamImage bad[] = {
    { .format = CBAM_FORMAT_UNKNOWN, .width = 1, .height = 1, .planes = { &byte } },
    { .format = (CbamFormat) 99, .width = 1, .height = 1, .planes = { &byte } },
    { .format = CBAM_FORMAT_RGB, .width = 0, .height = 1, .planes = { &byte } },
    { .format = CBAM_FORMAT_RGB, .width = 1, .height = 65536, .planes = { &byte } },
    { .format = CBAM_FORMAT_RGB, .width = 1, .height = 1 },
    { .format = CBAM_FORMAT_NV12, .width = 1, .height = 1, .planes = { &byte } },
    { .format = CBAM_FORMAT_RGB, .width = 2, .height = 1, .planes = { &byte }, .strides = { 5 } },
    { .format = CBAM_FORMAT_GRAY8, .width = 1, .height = 1, .planes = { &byte }, .matrix = (CbamMatrix) 9 },
    { .format = CBAM_FORMAT_GRAY8, .width = 1, .height = 1, .planes = { &byte }, .orientation = (CbamOrientation) 8 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (cbam_image_check (&bad[i], &error));
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/preprocess/formats/texel", GUINT_TO_POINTER (0), test_formats);
  g_test_add_data_func ("/preprocess/formats/plain", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN), test_formats);
  g_test_add_data_func ("/preprocess/formats/staging", GUINT_TO_POINTER (CBAM_DEBUG_STAGING), test_formats);
  g_test_add_data_func ("/preprocess/formats/noncoherent", GUINT_TO_POINTER (CBAM_DEBUG_NONCOHERENT), test_formats);
  if (test_has_fp16 ()) {
    g_test_add_data_func ("/preprocess/formats/half", GUINT_TO_POINTER (TEST_FP16), test_formats);
    g_test_add_data_func ("/preprocess/thinned/half", GUINT_TO_POINTER (TEST_FP16), test_thinned);
  }
  g_test_add_data_func ("/preprocess/thinned/texel", GUINT_TO_POINTER (0), test_thinned);
  g_test_add_data_func ("/preprocess/thinned/plain", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN), test_thinned);
  g_test_add_data_func ("/preprocess/thinned/staging", GUINT_TO_POINTER (CBAM_DEBUG_STAGING), test_thinned);
  g_test_add_func ("/preprocess/thinned/sizes", test_thinned_sizes);
  g_test_add_func ("/preprocess/thinned/beyond-32-bits", test_thinned_beyond_32_bits);
  g_test_add_func ("/preprocess/in-place", test_in_place);
  g_test_add_func ("/preprocess/geometry", test_geometry);
  g_test_add_func ("/preprocess/letterbox-fill", test_letterbox_fill);
  g_test_add_func ("/preprocess/known-colours", test_known_colours);
  g_test_add_func ("/preprocess/chroma-sites", test_chroma_sites);
  g_test_add_func ("/preprocess/channel-order", test_channel_order);
  g_test_add_func ("/preprocess/half-pixel-centres", test_half_pixel_centres);
  g_test_add_data_func ("/preprocess/turned/texel", GUINT_TO_POINTER (0), test_turned);
  g_test_add_data_func ("/preprocess/turned/plain", GUINT_TO_POINTER (CBAM_DEBUG_PLAIN), test_turned);
  g_test_add_func ("/preprocess/turned/luma", test_turned_luma);
  g_test_add_func ("/preprocess/turned/chroma", test_turned_chroma);
  g_test_add_func ("/preprocess/bad-images", test_bad_images);
  return g_test_run ();
}
