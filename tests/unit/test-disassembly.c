/* The reader of machine code (tools/stats/disassembly.h), on code written for it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disassembly.h"

#include <string.h>

/* A tile's loop that reads, waits, stores and only then computes, behind one of less work. */
static const char fetches_late[] = "BB0:\n"
                                   "\ts_mov_b32 s0, s3                           ; be800303\n"
                                   "\tv_rcp_f32_e32 v1, v1                       ; 7e025501\n"
                                   "BB1:\n"
                                   "\tv_fmac_f32_e32 v9, v8, v7\n"
                                   "\ts_cbranch_scc1 BB1\n"
                                   "BB2:\n"
                                   "\ts_cmp_ge_u32 s4, s18\n"
                                   "\ts_cbranch_scc1 BB4\n"
                                   "BB3:\n"
                                   "\tv_cvt_f32_u32_e32 v22, s9\n"
                                   "\tv_mul_f32_e32 v22, 0x4f7ffffe, v22\n" /* of a division: not useful */
                                   "\tv_mul_lo_u32 v23, v22, s9\n"
                                   "\tbuffer_load_dwordx4 v[24:27], v22, s[24:27], 0 offen ; e0381000\n"
                                   "\ts_waitcnt vmcnt(0)\n"
                                   "\tds_write_b128 v22, v[24:27] offset:2048\n"
                                   "\ts_waitcnt lgkmcnt(0)\n"
                                   "\ts_barrier\n"
                                   "\tds_read_b128 v[24:27], v21\n"
                                   "\tds_read2st64_b32 v[28:29], v21 offset1:4\n"
                                   "\tv_mul_f32_e32 v23, v31, v27\n"
                                   "\tv_fmac_f32_e32 v23, s30, v26\n"
                                   "\tv_fma_f32 v23, -v29, |v25|, v23\n"
                                   "\tv_add_f32_e32 v8, v8, v23\n"
                                   "\ts_branch BB2                               ; bf82ffe7\n"
                                   "BB4:\n"
                                   "\tbuffer_store_dwordx4 v[4:7], v1, s[4:7], 0 offen\n"
                                   "\ts_endpgm\n"
                                   "\ts_code_end\n"
                                   "\t(then repeated 3 times)\n";

static Code
read (const char *text)
{
  g_autoptr (GError) error = NULL;
  Code code;

  g_assert_true (code_read (text, &code, &error));
  g_assert_no_error (error);
  return code;
}

static void
test_counts (void)
{
  const Code code = read (fetches_late);

  g_assert_cmpuint (code.whole.vector, ==, 9);
  g_assert_cmpuint (code.whole.slow, ==, 2);
  g_assert_cmpuint (code.whole.multiply_adds, ==, 4);
  g_assert_cmpuint (code.body.vector, ==, 7);
  g_assert_cmpuint (code.body.slow, ==, 1);
  g_assert_cmpuint (code.body.multiply_adds, ==, 3);
  g_assert_cmpuint (code.body.lds_reads, ==, 2);
  g_assert_cmpuint (code.body.lds_bytes, ==, 16 + 16 + 8);
  g_assert_cmpuint (code.body.loads, ==, 1);
  g_assert_cmpfloat (code_get_share (&code), ==, 3.0 / 7);
  g_assert_cmpfloat (code_get_lds_reads_per_multiply_add (&code), ==, 2.0 / 3);
  g_assert_false (code.loads_first);
}

/* Of loops one in another the inner one is the body, however much the outer one has besides. */
static void
test_nested (void)
{
  const Code code = read ("BB1:\n"
                          "\tv_fmac_f32_e32 v1, v2, v3\n"
                          "\tv_fmac_f32_e32 v1, v2, v3\n"
                          "BB2:\n"
                          "\tv_fmac_f32_e32 v1, v2, v3\n"
                          "\ts_cbranch_scc0 BB2\n"
                          "\ts_cbranch_vccnz BB1\n"
                          "\ts_endpgm\n");

  g_assert_cmpuint (code.whole.multiply_adds, ==, 3);
  g_assert_cmpuint (code.body.multiply_adds, ==, 1);
}

/* Two jumps to one head are one loop, whose body reaches to the later. */
static void
test_two_jumps (void)
{
  const Code code = read ("BB1:\n"
                          "\tv_fmac_f32_e32 v1, v2, v3\n"
                          "\ts_cbranch_scc0 BB1\n"
                          "\tv_fmac_f32_e32 v1, v2, v3\n"
                          "\ts_branch BB1\n");

  g_assert_cmpuint (code.body.multiply_adds, ==, 2);
}

/* Packed and doubled instructions of RDNA 3. */
static void
test_packed (void)
{
  const Code code = read ("BB1:\n"
                          "\tv_pk_fma_f16 v1, v2, v3, v1\n"
                          "\tv_fma_mix_f32 v1, v2, v3, v1\n"
                          "\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_mul_f32 v4, v5, v6\n"
                          "\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5\n"
                          "\tv_fma_f32 v1, v2, 2.0, v1\n"
                          "\tds_load_b64 v[1:2], v3\n"
                          "\tbuffer_load_b128 v[24:27], v22, s[24:27], 0 offen\n"
                          "\ts_cbranch_scc0 BB1\n");

  g_assert_cmpuint (code.body.vector, ==, 5);
  g_assert_cmpuint (code.body.multiply_adds, ==, 2 + 1 + 2 + 1);
  g_assert_cmpuint (code.body.lds_bytes, ==, 8);
  g_assert_cmpuint (code.body.loads, ==, 1);
}

/* ---- What is fetched ahead -------------------------------------------------------------------------------------- */

#define LOOP(body)                                                                                                     \
  "BB1:\n" body "\ts_cbranch_scc0 BB1\n"                                                                               \
  "\ts_endpgm\n"
#define LOAD "\tbuffer_load_dword v1, v2, s[0:3], 0 offen\n"
#define WORK "\tv_fmac_f32_e32 v4, v5, v6\n"

static void
test_loads_first (void)
{
  static const struct
  {
    const char *text;
    gboolean first;
  } rows[] = {
    { LOOP (LOAD WORK "\ts_waitcnt vmcnt(0)\n"), TRUE },
    { LOOP (LOAD "\ts_waitcnt lgkmcnt(0)\n" WORK "\ts_waitcnt vmcnt(0)\n"), TRUE },
    { LOOP (LOAD "\ts_waitcnt vmcnt(0) lgkmcnt(0)\n" WORK), FALSE },
    { LOOP (WORK LOAD "\ts_waitcnt vmcnt(0)\n"), FALSE },
    /* waited for in the next round, before and behind the work */
    { LOOP ("\ts_waitcnt vmcnt(0)\n" WORK LOAD), FALSE },
    { LOOP (WORK "\ts_waitcnt vmcnt(0)\n" LOAD), TRUE },
    /* the first of two */
    { LOOP (LOAD LOAD "\ts_waitcnt vmcnt(1)\n" WORK "\ts_waitcnt vmcnt(0)\n"), FALSE },
    /* the round before's, of which as many are under way */
    { LOOP (LOAD LOAD "\ts_waitcnt vmcnt(2)\n" WORK), TRUE },
    { LOOP (WORK), FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const Code code = read (rows[i].text);

    g_test_message ("row %u", i);
    g_assert_cmpint (code.loads_first, ==, rows[i].first);
  }
}

static void
test_errors (void)
{
  static const struct
  {
    const char *text, *says;
  } rows[] = {
    { "", "expected instructions, found none" },
    { "BB0:\n", "expected instructions, found none" },
    { "\ts_branch BB7\n", "expected a label BB7, found none" },
    { "\ts_endpgm\n00000000: be800303\n", "expected a label or an instruction, found \"00000000: be800303\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    Code code;

    g_assert_false (code_read (rows[i].text, &code, &error));
    g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL);
    g_assert_cmpstr (error->message + strlen ("machine code: "), ==, rows[i].says);
  }
}

/* Straight code has no body, and nothing is divided by nothing. */
static void
test_no_loop (void)
{
  const Code code = read (WORK "\ts_endpgm\n");

  g_assert_cmpuint (code.whole.multiply_adds, ==, 1);
  g_assert_cmpuint (code.body.vector, ==, 0);
  g_assert_cmpfloat (code_get_share (&code), ==, 0);
  g_assert_cmpfloat (code_get_lds_reads_per_multiply_add (&code), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/disassembly/counts", test_counts);
  g_test_add_func ("/disassembly/nested", test_nested);
  g_test_add_func ("/disassembly/two-jumps", test_two_jumps);
  g_test_add_func ("/disassembly/packed", test_packed);
  g_test_add_func ("/disassembly/loads-first", test_loads_first);
  g_test_add_func ("/disassembly/errors", test_errors);
  g_test_add_func ("/disassembly/no-loop", test_no_loop);
  return g_test_run ();
}
