/* The model of how long kernels take at least (tools/stats/network-bound.h): by hand, and of one convolution that is
 * written in two ways.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "network-bound.h"

#include "tile-4.h"
#include "tile-8.h"

/* A body that is bound by arithmetic, in code that is bound by the workgroup's memory. */
static void
test_by_hand (void)
{
  const Code code = {
    .whole = { .vector = 110, .slow = 6, .lds_bytes = 320 },
    .body = { .vector = 100, .slow = 5, .lds_bytes = 160 },
  };
  const Family *navi21 = family_find ("navi21"), *polaris10 = family_find ("polaris10");

  /* 64 lanes: two cycles an instruction, 6 more for a slow one; 160 bytes of 64 lanes are 80 cycles of two SIMDs. */
  g_assert_cmpfloat (bound_cycles (navi21, 64, &code, 0), ==, 160);
  g_assert_cmpfloat (bound_cycles (navi21, 64, &code, 10), ==, 160 + 10 * (2 * 100 + 6 * 5));
  g_assert_cmpfloat (bound_cycles (navi21, 32, &code, 10), ==, 80 + 10 * (100 + 3 * 5));
  /* Four cycles an instruction; the 80 cycles are those of four SIMDs. */
  g_assert_cmpfloat (bound_cycles (polaris10, 64, &code, 10), ==, 320 + 10 * (4 * 100 + 12 * 5));
}

#define DEPTH 128 /* texels of K: 512 channels */
#define SUMS 16   /* of a lane */

static Kernel
compile (CbamDevice *device, const CbamShader *shader)
{
  const CbamOpClass op = { .name = "tile" };
  const CbamOpVariant variant = { .name = shader->name, .args_size = sizeof (guint32) };
  g_autoptr (GError) error = NULL;
  Kernel kernel;

  kernel_compile (device, &op, &variant, shader, 0, &kernel, &error);
  g_assert_no_error (error);
  return kernel;
}

/* Rounds of twice the length are half as many, and the work is the same. The compiler's own estimate, which takes every
 * loop for eight rounds, would have one cost twice the other. */
static void
test_two_ways (void)
{
  static const char *const names[] = { "polaris10", "navi21" };
  const CbamShader short_rounds = { "tile_4", tile_4, sizeof tile_4 },
                   long_rounds = { "tile_8", tile_8, sizeof tile_8 };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const Family *family = family_find (names[i]);
    g_autoptr (GError) error = NULL;
    g_autoptr (CbamDevice) device = NULL;
    const char *name;

    if (!family_is_known (family, &name)) {
      g_test_skip ("no RADV, Mesa's driver of AMD GPUs, among the Vulkan drivers");
      return;
    }
    device = null_device_open (name, &error);
    g_assert_no_error (error);
    const Kernel four = compile (device, &short_rounds), eight = compile (device, &long_rounds);
    const double work = DEPTH * CBAM_TEXEL_CHANNELS * SUMS;
    const double a = bound_cycles (family, four.lanes, &four.code, work / four.code.body.multiply_adds);
    const double b = bound_cycles (family, eight.lanes, &eight.code, work / eight.code.body.multiply_adds);

    g_test_message ("%s: %.0f and %.0f cycles", names[i], a, b);
    g_assert_cmpuint (four.code.body.multiply_adds, ==, 4 * CBAM_TEXEL_CHANNELS * SUMS);
    g_assert_cmpuint (eight.code.body.multiply_adds, ==, 8 * CBAM_TEXEL_CHANNELS * SUMS);
    g_assert_cmpfloat (MAX (a, b), <=, 1.15 * MIN (a, b));
    /* No less than the multiply-adds alone. */
    g_assert_cmpfloat (MIN (a, b), >=, work * four.lanes / family->simd_lanes);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network-bound/by-hand", test_by_hand);
  g_test_add_func ("/network-bound/two-ways", test_two_ways);
  return g_test_run ();
}
