/* The container of a model file: named tensors and a JSON document in one memory-mapped `.safetensors` file.
 *
 *     u64 little-endian n | n bytes of JSON {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {...}} | data
 *
 * Everything a file can say wrongly is found when it is opened; afterwards every tensor lies inside the mapping.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/types.h>

#define CBAM_MAX_DIMS 8

typedef enum
{
  CBAM_DTYPE_OTHER, /* a legal safetensors dtype that no network uses (I64 counters and the like) */
  CBAM_DTYPE_F32,
  CBAM_DTYPE_F16,
  CBAM_DTYPE_BF16,
} CbamDtype;

/* One tensor of the file. @data points into the mapping and may be unaligned. */
typedef struct
{
  const char *name;
  const char *dtype_name; /* as the file spells it, for messages */
  CbamDtype dtype;
  guint n_dims;
  gsize dims[CBAM_MAX_DIMS];
  gsize n_elements;
  const guint8 *data;
} CbamFileTensor;

typedef struct _CbamSafetensors CbamSafetensors;

/* Maps @path. Refuses, with one message that names the file, the key, what was expected and what was found: what is
 * not a regular file, is empty, has a header longer than the file, JSON that does not parse, an entry without dtype,
 * shape or data_offsets, an unknown dtype, sizes that overflow or do not fit the offsets, data outside the file,
 * tensors that overlap, the same name twice. CBAM_ERROR_NOT_FOUND or CBAM_ERROR_BAD_MODEL. */
CbamSafetensors *cbam_safetensors_open (const char *path, GError **error);

/* The same over bytes in memory, which are not copied and must outlive it; @name stands for the file in messages. */
CbamSafetensors *cbam_safetensors_new_for_data (const char *name, const guint8 *data, gsize size, GError **error);

/* The same over bytes that it keeps. */
CbamSafetensors *cbam_safetensors_new_for_bytes (const char *name, GBytes *bytes, GError **error);

void cbam_safetensors_free (CbamSafetensors *file);

/* %NULL when there is none of that name. */
const CbamFileTensor *cbam_safetensors_get (const CbamSafetensors *file, const char *name);
guint cbam_safetensors_size (const CbamSafetensors *file);
const CbamFileTensor *cbam_safetensors_nth (const CbamSafetensors *file, guint i);

/* A string of `__metadata__`, %NULL when there is none. */
const char *cbam_safetensors_get_metadata (const CbamSafetensors *file, const char *key);
const char *cbam_safetensors_get_path (const CbamSafetensors *file);

/* Writes all elements as float32 to @out (n_elements floats). The dtype must be F32, F16 or BF16. */
void cbam_file_tensor_to_float (const CbamFileTensor *tensor, float *out);

/* "[24, 3, 3, 3]"; for messages. Free with g_free(). */
char *cbam_dims_to_string (const gsize *dims, guint n_dims);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamSafetensors, cbam_safetensors_free)
