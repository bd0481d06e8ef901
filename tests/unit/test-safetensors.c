/* Tests of the model file's container: right files are read as written, wrong ones refused with a message that names
 * the thing.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "file/safetensors.h"

/* A file of @header and @n bytes counting up from 0. */
static GByteArray *
make_file (const char *header, gsize n)
{
  GByteArray *bytes = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64) strlen (header));

  g_byte_array_append (bytes, (const guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (const guint8 *) header, (guint) strlen (header));
  for (gsize i = 0; i < n; i++) {
    guint8 byte = (guint8) i;

    g_byte_array_append (bytes, &byte, 1);
  }
  return bytes;
}

static void
assert_refused (const char *name, const guint8 *data, gsize size, const char *first, const char *second)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSafetensors) file = cbam_safetensors_new_for_data (name, data, size, &error);

  g_test_message ("%s", error != NULL ? error->message : "accepted");
  g_assert_null (file);
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_true (g_str_has_prefix (error->message, name));
  g_assert_nonnull (strstr (error->message, first));
  g_assert_nonnull (strstr (error->message, second));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_good (void)
{
  g_autoptr (GByteArray) bytes =
      make_file ("{\"b\": {\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [8, 32]}, "
                 "\"__metadata__\": {\"cbamdetect\": \"{\\\"version\\\": 1}\", \"format\": \"pt\"}, "
                 "\"a\": {\"dtype\": \"I64\", \"shape\": [], \"data_offsets\": [0, 8]}, "
                 "\"none\": {\"dtype\": \"F16\", \"shape\": [0, 3], \"data_offsets\": [32, 32]}}   ",
                 32);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSafetensors) file = cbam_safetensors_new_for_data ("m", bytes->data, bytes->len, &error);
  const CbamFileTensor *tensor;

  g_assert_no_error (error);
  g_assert_cmpuint (cbam_safetensors_size (file), ==, 3);
  g_assert_cmpstr (cbam_safetensors_get_path (file), ==, "m");
  g_assert_cmpstr (cbam_safetensors_get_metadata (file, "cbamdetect"), ==, "{\"version\": 1}");
  g_assert_cmpstr (cbam_safetensors_get_metadata (file, "format"), ==, "pt");
  g_assert_null (cbam_safetensors_get_metadata (file, "missing"));
  g_assert_null (cbam_safetensors_get (file, "missing"));
  g_assert_null (cbam_safetensors_get (file, "__metadata__"));

  tensor = cbam_safetensors_nth (file, 0); /* in the header's order */
  g_assert_cmpstr (tensor->name, ==, "b");
  g_assert_true (tensor == cbam_safetensors_get (file, "b"));
  g_assert_cmpint (tensor->dtype, ==, CBAM_DTYPE_F32);
  g_assert_cmpstr (tensor->dtype_name, ==, "F32");
  g_assert_cmpuint (tensor->n_dims, ==, 2);
  g_assert_cmpuint (tensor->dims[0], ==, 2);
  g_assert_cmpuint (tensor->dims[1], ==, 3);
  g_assert_cmpuint (tensor->n_elements, ==, 6);
  g_assert_cmpuint (tensor->data[0], ==, 8);

  tensor = cbam_safetensors_get (file, "a");
  g_assert_cmpint (tensor->dtype, ==, CBAM_DTYPE_OTHER);
  g_assert_cmpstr (tensor->dtype_name, ==, "I64");
  g_assert_cmpuint (tensor->n_dims, ==, 0);
  g_assert_cmpuint (tensor->n_elements, ==, 1);
  g_assert_cmpuint (cbam_safetensors_get (file, "none")->n_elements, ==, 0);
}

static void
test_no_metadata (void)
{
  g_autoptr (GByteArray) bytes = make_file ("{}", 0);
  g_autoptr (GError) error = NULL;
  g_autoptr (CbamSafetensors) file = cbam_safetensors_new_for_data ("m", bytes->data, bytes->len, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (cbam_safetensors_size (file), ==, 0);
  g_assert_null (cbam_safetensors_get_metadata (file, "cbamdetect"));
}

/* Headers that must be refused over 24 bytes of data, with two pieces their messages must hold. */
#define T(dtype, shape, offsets) "{\"t\": {\"dtype\": " dtype ", \"shape\": " shape ", \"data_offsets\": " offsets "}}"

static const struct
{
  const char *header, *first, *second;
} bad_headers[] = {
  { "", "header", "the end" },
  { "[]", "header", "a JSON object" },
  { "17", "header", "a JSON object" },
  { "{\"t\": ", "header", "a closing bracket" },
  { "{\"t\"}", "header", "JSON" },
  { "{\"t\": 1,}", "header", "JSON" },
  { "{} {}", "header", "nothing behind" },
  { "{} // a comment", "header", "nothing behind" },
  { "{ /* \" */ \"t\": 1}", "header", "found \"/* " },
  { "{\"t\": \"\xff\"}", "header", "UTF-8" },
  { "{\"t\": 3}", "tensor \"t\"", "found 3" },
  { "{\"t\": null}", "tensor \"t\"", "found null" },
  { "{\"t\": {\"shape\": [6], \"data_offsets\": [0, 24]}}", "tensor \"t\": dtype", "found nothing" },
  { "{\"t\": {\"dtype\": \"F32\", \"data_offsets\": [0, 24]}}", "tensor \"t\": shape", "found nothing" },
  { "{\"t\": {\"dtype\": \"F32\", \"shape\": [6]}}", "tensor \"t\": data_offsets", "found nothing" },
  { T ("\"F31\"", "[6]", "[0, 24]"), "tensor \"t\": dtype", "found \"F31\"" },
  { T ("\"f32\"", "[6]", "[0, 24]"), "tensor \"t\": dtype", "found \"f32\"" },
  { T ("32", "[6]", "[0, 24]"), "tensor \"t\": dtype", "found 32" },
  { T ("\"F32\"", "6", "[0, 24]"), "tensor \"t\": shape", "found 6" },
  { T ("\"F32\"", "[-6]", "[0, 24]"), "tensor \"t\": shape", "found [-6]" },
  { T ("\"F32\"", "[6.0]", "[0, 24]"), "tensor \"t\": shape", "found [6.0]" },
  { T ("\"F32\"", "[\"6\"]", "[0, 24]"), "tensor \"t\": shape", "found [\"6\"]" },
  { T ("\"F32\"", "[[6]]", "[0, 24]"), "tensor \"t\": shape", "found [[6]]" },
  { T ("\"F32\"", "[1,1,1,1,1,1,1,1,6]", "[0, 24]"), "tensor \"t\": shape", "at most 8" },
  { T ("\"F32\"", "[4294967296, 4294967296]", "[0, 0]"), "tensor \"t\": shape", "4294967296" },
  { T ("\"F32\"", "[4611686018427387904]", "[0, 0]"), "tensor \"t\": shape", "4611686018427387904" },
  /* What is too large for 64 bits is -1 or a float to json-glib 1.6, and the largest number of 64 bits to 1.10. */
  { T ("\"F32\"", "[99999999999999999999999]", "[0, 24]"), "tensor \"t\": shape", "that can exist" },
  { T ("\"F32\"", "[5]", "[0, 24]"), "expected 20 bytes for [5] of F32", "found 24" },
  { T ("\"F32\"", "[2, 4]", "[0, 24]"), "expected 32 bytes for [2, 4] of F32", "found 24" },
  { T ("\"F16\"", "[6]", "[0, 24]"), "expected 12 bytes for [6] of F16", "found 24" },
  { T ("\"F4\"", "[3]", "[0, 1]"), "expected 2 bytes for [3] of F4", "found 1" },
  { T ("\"F32\"", "[6]", "24"), "tensor \"t\": data_offsets", "found 24" },
  { T ("\"F32\"", "[6]", "[0]"), "tensor \"t\": data_offsets", "found [0]" },
  { T ("\"F32\"", "[6]", "[0, 24, 48]"), "tensor \"t\": data_offsets", "found [0,24,48]" },
  { T ("\"F32\"", "[6]", "[24, 0]"), "tensor \"t\": data_offsets", "found [24,0]" },
  { T ("\"F32\"", "[6]", "[-24, 0]"), "tensor \"t\": data_offsets", "found [-24,0]" },
  { T ("\"F32\"", "[6]", "[0.0, 24.0]"), "tensor \"t\": data_offsets", "found [0.0,24.0]" },
  { T ("\"F32\"", "[6]", "[4, 28]"), "tensor \"t\": data_offsets: expected an end up to 24", "found 28" },
  { T ("\"F32\"", "[6]", "[9223372036854775783, 9223372036854775807]"), "tensor \"t\": data_offsets",
    "found 9223372036854775807" },
  { T ("\"F32\"", "[6]", "[18446744073709551592, 18446744073709551616]"), "tensor \"t\": data_offsets", "expected" },
  { "{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [8, 24]},"
    " \"b\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 12]}}",
    "\"b\" and \"a\"", "overlapping [0, 12] and [8, 24]" },
  { "{\"a\": {\"dtype\": \"U8\", \"shape\": [9], \"data_offsets\": [0, 9]},"
    " \"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}",
    "\"a\" and \"b\"", "overlapping" },
  { "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
    " \"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}",
    "\"a\"", "overlapping" },
  { "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
    " \"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}",
    "header", "found \"a\" twice" },
  { "{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]},"
    " \"\\u0061\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}",
    "header", "found \"a\" twice" },
  { "{\"a\": {\"dtype\": \"F32\", \"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", "header",
    "found \"dtype\" twice" },
  { "{\"__metadata__\": []}", "__metadata__", "found []" },
  { "{\"__metadata__\": {\"cbamdetect\": {\"version\": 1}}}", "__metadata__: \"cbamdetect\"", "found {\"version\":1}" },
  { "{\"__metadata__\": {\"epoch\": 3}}", "__metadata__: \"epoch\"", "found 3" },
  { "{\"a\\nb\": 3}", "tensor \"a\\x0ab\"", "found 3" },
};

static void
test_bad_headers (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_headers); i++) {
    g_autoptr (GByteArray) bytes = make_file (bad_headers[i].header, 24);

    assert_refused ("m.safetensors", bytes->data, bytes->len, bad_headers[i].first, bad_headers[i].second);
  }
}

static void
test_deep_nesting (void)
{
  g_autoptr (GString) header = g_string_new ("{\"t\": ");
  g_autoptr (GByteArray) bytes = NULL;

  for (guint i = 0; i < 100000; i++)
    g_string_append_c (header, '[');
  bytes = make_file (header->str, 0);
  assert_refused ("deep", bytes->data, bytes->len, "header", "levels of brackets");
}

static void
test_long_names_are_cut (void)
{
  g_autofree char *name = g_strnfill (100000, 'x');
  g_autofree char *header = g_strdup_printf ("{\"%s\": \"%s\"}", name, name);
  g_autoptr (GByteArray) bytes = make_file (header, 0);
  g_autoptr (GError) error = NULL;

  g_assert_null (cbam_safetensors_new_for_data ("m", bytes->data, bytes->len, &error));
  g_assert_error (error, CBAM_ERROR, CBAM_ERROR_BAD_MODEL);
  g_assert_cmpuint (strlen (error->message), <, 400);
  g_assert_nonnull (strstr (error->message, "xxx..."));
}

static void
test_bad_lengths (void)
{
  static const struct
  {
    guint64 length;
    const char *found;
  } lengths[] = {
    { 3, "3" },
    { 100, "100" },
    { G_MAXUINT64, "18446744073709551615" },
    { G_MAXUINT64 - 7, "18446744073709551608" },
  };
  g_autoptr (GByteArray) big = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64) 5000000);

  assert_refused ("m", NULL, 0, "safetensors", "an empty file");
  for (gsize size = 1; size < 8; size++)
    assert_refused ("m", (const guint8 *) "12345678", size, "at least 8 bytes", "found");
  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autoptr (GByteArray) bytes = make_file ("{}", 0);

    length = GUINT64_TO_LE (lengths[i].length);
    memcpy (bytes->data, &length, sizeof length);
    assert_refused ("m", bytes->data, bytes->len, "header length: expected at most 2", lengths[i].found);
  }

  g_byte_array_set_size (big, 8 + 5000000);
  memset (big->data, ' ', big->len);
  length = GUINT64_TO_LE ((guint64) 5000000);
  memcpy (big->data, &length, sizeof length);
  assert_refused ("m", big->data, big->len, "header length: expected at most 4194304", "5000000");
}

/* Every proper prefix of a good file is refused; each lies in memory of its own, so that ASan sees a step outside. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) bytes = make_file (T ("\"F32\"", "[2]", "[0, 8]"), 8);

  for (gsize size = 1; size < bytes->len; size++) {
    g_autofree guint8 *copy = g_memdup2 (bytes->data, size);

    assert_refused ("cut", copy, size, "expected", "found");
  }
}

/* ---- files on disk --------------------------------------------------------------------------------------------- */

static void
test_open (void)
{
  g_autoptr (GByteArray) bytes = make_file (T ("\"U8\"", "[4]", "[0, 4]"), 4);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autoptr (CbamSafetensors) file = NULL;
  int fd = g_file_open_tmp ("cbam-XXXXXX.safetensors", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, (const char *) bytes->data, bytes->len, NULL));
  file = cbam_safetensors_open (path, &error);
  g_unlink (path); /* the mapping lives on */
  g_assert_no_error (error);
  g_assert_cmpstr (cbam_safetensors_get_path (file), ==, path);
  g_assert_cmpuint (cbam_safetensors_get (file, "t")->data[3], ==, 3);
}

static void
assert_open_fails (const char *path, CbamError code, const char *found)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cbam_safetensors_open (path, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CBAM_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_assert_nonnull (strstr (error->message, found));
  g_assert_null (cbam_safetensors_open (path, NULL)); /* an error nobody wants */
}

static void
test_open_bad (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cbam-XXXXXX", &error);
  g_autofree char *missing = g_build_filename (folder, "missing.safetensors", NULL);
  g_autofree char *empty = g_build_filename (folder, "empty.safetensors", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo.safetensors", NULL);
  g_autofree char *loop = g_build_filename (folder, "loop.safetensors", NULL);
  g_autofree char *below = g_build_filename (empty, "m.safetensors", NULL);

  g_assert_no_error (error);
  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (symlink (loop, loop), ==, 0);

  assert_open_fails (missing, CBAM_ERROR_NOT_FOUND, "No such file");
  assert_open_fails (below, CBAM_ERROR_NOT_FOUND, "found an error");
  assert_open_fails (loop, CBAM_ERROR_NOT_FOUND, "found an error");
  assert_open_fails (folder, CBAM_ERROR_BAD_MODEL, "found a directory");
  assert_open_fails (empty, CBAM_ERROR_BAD_MODEL, "found an empty file");
  assert_open_fails (fifo, CBAM_ERROR_BAD_MODEL, "pipe");
  assert_open_fails ("/dev/null", CBAM_ERROR_BAD_MODEL, "device");

  g_unlink (loop);
  g_unlink (fifo);
  g_unlink (empty);
  g_rmdir (folder);
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static void
to_float (CbamDtype dtype, const void *data, gsize n, float *out)
{
  guint8 unaligned[64 + 1];
  CbamFileTensor tensor = { .dtype = dtype, .n_elements = n, .data = unaligned + 1 };
  gsize bytes = n * (dtype == CBAM_DTYPE_F32 ? 4 : 2);

  g_assert_cmpuint (bytes, <=, 64);
  memcpy (unaligned + 1, data, bytes);
  cbam_file_tensor_to_float (&tensor, out);
}

static void
test_f16 (void)
{
  static const struct
  {
    guint16 half;
    float value;
  } halves[] = {
    { 0x0000, 0.0f },
    { 0x3c00, 1.0f },
    { 0xbc00, -1.0f },
    { 0x4000, 2.0f },
    { 0x3555, 0.333251953125f },
    { 0x7bff, 65504.0f },
    { 0xfbff, -65504.0f },
    { 0x0400, 0x1p-14f },
    { 0x0001, 0x1p-24f },
    { 0x8001, -0x1p-24f },
    { 0x0002, 0x1p-23f },
    { 0x03ff, 1023 * 0x1p-24f },
    { 0x0200, 0x1p-15f },
    { 0x7c00, INFINITY },
    { 0xfc00, -INFINITY },
  };
  float out;

  for (gsize i = 0; i < G_N_ELEMENTS (halves); i++) {
    guint16 half = GUINT16_TO_LE (halves[i].half);

    to_float (CBAM_DTYPE_F16, &half, 1, &out);
    g_assert_cmpfloat (out, ==, halves[i].value);
  }
  to_float (CBAM_DTYPE_F16, &(guint16){ GUINT16_TO_LE (0x8000) }, 1, &out);
  g_assert_true (out == 0 && signbit (out));
  to_float (CBAM_DTYPE_F16, &(guint16){ GUINT16_TO_LE (0x7e01) }, 1, &out);
  g_assert_true (isnan (out));
}

/* All 65536 float16 by the definition: (1 + m / 1024) * 2^(e - 15), subnormal m / 1024 * 2^-14. */
static void
test_f16_all (void)
{
  for (guint bits = 0; bits < 65536; bits++) {
    guint16 half = GUINT16_TO_LE ((guint16) bits);
    int e = (int) (bits >> 10 & 0x1f), m = (int) (bits & 0x3ff);
    double expected = e == 0 ? ldexp (m, -24) : ldexp (1024 + m, e - 25);
    float out;

    to_float (CBAM_DTYPE_F16, &half, 1, &out);
    if (e == 31)
      g_assert_true (m == 0 ? isinf (out) : isnan (out));
    else
      g_assert_cmpfloat (fabsf (out), ==, (float) expected);
    g_assert_cmpint (signbit (out) != 0, ==, bits >> 15);
  }
}

static void
test_bf16_and_f32 (void)
{
  static const guint16 brains[] = { 0x3f80, 0xc000, 0x7f80, 0xff80, 0x0001, 0x7fc0 };
  static const float singles[] = { 1.5f, -0.0f, 0x1p-149f, INFINITY, 3.4028234e38f };
  guint16 stored[G_N_ELEMENTS (brains)];
  float out[G_N_ELEMENTS (brains)];

  for (gsize i = 0; i < G_N_ELEMENTS (brains); i++)
    stored[i] = GUINT16_TO_LE (brains[i]);
  to_float (CBAM_DTYPE_BF16, stored, G_N_ELEMENTS (brains), out);
  g_assert_cmpfloat (out[0], ==, 1.0f);
  g_assert_cmpfloat (out[1], ==, -2.0f);
  g_assert_cmpfloat (out[2], ==, INFINITY);
  g_assert_cmpfloat (out[3], ==, -INFINITY);
  g_assert_cmpfloat (out[4], ==, 0x1p-133f); /* subnormal: 2^16 of the smallest float32 */
  g_assert_true (isnan (out[5]));

  for (gsize i = 0; i < G_N_ELEMENTS (singles); i++) {
    guint32 bits;

    memcpy (&bits, &singles[i], sizeof bits);
    bits = GUINT32_TO_LE (bits);
    to_float (CBAM_DTYPE_F32, &bits, 1, out);
    g_assert_cmpmem (out, sizeof (float), &singles[i], sizeof (float));
  }
}

static void
test_dims (void)
{
  g_autofree char *four = cbam_dims_to_string ((const gsize[]){ 24, 3, 3, 3 }, 4);
  g_autofree char *none = cbam_dims_to_string (NULL, 0);

  g_assert_cmpstr (four, ==, "[24, 3, 3, 3]");
  g_assert_cmpstr (none, ==, "[]");
  cbam_safetensors_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/safetensors/good", test_good);
  g_test_add_func ("/safetensors/no-metadata", test_no_metadata);
  g_test_add_func ("/safetensors/bad-headers", test_bad_headers);
  g_test_add_func ("/safetensors/deep-nesting", test_deep_nesting);
  g_test_add_func ("/safetensors/long-names-are-cut", test_long_names_are_cut);
  g_test_add_func ("/safetensors/bad-lengths", test_bad_lengths);
  g_test_add_func ("/safetensors/truncated", test_truncated);
  g_test_add_func ("/safetensors/open", test_open);
  g_test_add_func ("/safetensors/open-bad", test_open_bad);
  g_test_add_func ("/safetensors/f16", test_f16);
  g_test_add_func ("/safetensors/f16-all", test_f16_all);
  g_test_add_func ("/safetensors/bf16-and-f32", test_bf16_and_f32);
  g_test_add_func ("/safetensors/dims", test_dims);
  return g_test_run ();
}
