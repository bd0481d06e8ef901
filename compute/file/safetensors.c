/* Opens a `.safetensors` file and distrusts every number in it: afterwards each tensor lies inside the mapping, apart
 * from every other, and is as long as its shape says.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "file/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "engine/half.h"
#include "file/json.h"

#define LENGTH_BYTES 8
/* The header of a detector with 300 tensors takes 40 kB; the limit bounds the memory that parsing one may take. */
#define MAX_HEADER_BYTES (4 * 1024 * 1024)

struct _CbamSafetensors
{
  char *path;
  GBytes *bytes;        /* NULL over memory of the caller's */
  JsonObject *header;   /* owns the tensors' names and the metadata's strings */
  JsonObject *metadata; /* inside @header; NULL when there is none */
  GArray *tensors;      /* CbamFileTensor, in the order of the header */
  GHashTable *by_name;  /* name -> index + 1; names belong to @header */
};

typedef struct
{
  const char *name;
  guint bits;
  CbamDtype dtype;
} DtypeInfo;

static const DtypeInfo dtypes[] = {
  { "F32", 32, CBAM_DTYPE_F32 },      { "F16", 16, CBAM_DTYPE_F16 },      { "BF16", 16, CBAM_DTYPE_BF16 },
  { "F64", 64, CBAM_DTYPE_OTHER },    { "I64", 64, CBAM_DTYPE_OTHER },    { "U64", 64, CBAM_DTYPE_OTHER },
  { "C64", 64, CBAM_DTYPE_OTHER },    { "I32", 32, CBAM_DTYPE_OTHER },    { "U32", 32, CBAM_DTYPE_OTHER },
  { "I16", 16, CBAM_DTYPE_OTHER },    { "U16", 16, CBAM_DTYPE_OTHER },    { "I8", 8, CBAM_DTYPE_OTHER },
  { "U8", 8, CBAM_DTYPE_OTHER },      { "BOOL", 8, CBAM_DTYPE_OTHER },    { "F8_E4M3", 8, CBAM_DTYPE_OTHER },
  { "F8_E5M2", 8, CBAM_DTYPE_OTHER }, { "F8_E8M0", 8, CBAM_DTYPE_OTHER }, { "F6_E2M3", 6, CBAM_DTYPE_OTHER },
  { "F6_E3M2", 6, CBAM_DTYPE_OTHER }, { "F4", 4, CBAM_DTYPE_OTHER },
};

/* Where a tensor's bytes lie in the data part. */
typedef struct
{
  gsize begin, end;
  guint tensor;
} Extent;

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Gives FALSE, so that a check ends in `return refuse (...)`. */
static gboolean
refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (CBAM_ERROR, CBAM_ERROR_BAD_MODEL, format, args);
  va_end (args);
  return FALSE;
}

/* "m.safetensors: tensor "loc.0.weight": shape: expected a list of sizes, found 3" */
static gboolean
refuse_key (const CbamSafetensors *file, const char *name, const char *key, const char *expected, JsonNode *found,
            GError **error)
{
  g_autofree char *quoted = cbam_json_quote (name);
  g_autofree char *shown = cbam_json_describe (found);

  return refuse (error, "%s: tensor %s: %s: expected %s, found %s", file->path, quoted, key, expected, shown);
}

/* A whole number >= 0. What does not fit an int64 comes out of json-glib negative, as a double, or (1.10) as the
 * largest that does. */
static gboolean
node_to_size (JsonNode *node, gsize *out)
{
  gint64 value;

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return FALSE;
  value = json_node_get_int (node);
  if (value < 0 || (guint64) value > G_MAXSIZE)
    return FALSE;
  *out = (gsize) value;
  return TRUE;
}

static const DtypeInfo *
find_dtype (JsonNode *node)
{
  const char *name;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  name = json_node_get_string (node);
  for (gsize i = 0; i < G_N_ELEMENTS (dtypes); i++)
    if (g_str_equal (dtypes[i].name, name))
      return &dtypes[i];
  return NULL;
}

static gboolean
read_shape (JsonNode *node, CbamFileTensor *tensor)
{
  JsonArray *list;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  list = json_node_get_array (node);
  tensor->n_dims = json_array_get_length (list);
  if (tensor->n_dims > CBAM_MAX_DIMS)
    return FALSE;

  tensor->n_elements = 1;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (!node_to_size (json_array_get_element (list, i), &tensor->dims[i]) ||
        !g_size_checked_mul (&tensor->n_elements, tensor->n_elements, tensor->dims[i]))
      return FALSE;
  return TRUE;
}

static gboolean
read_extent (JsonNode *node, Extent *extent)
{
  JsonArray *list;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  list = json_node_get_array (node);
  return json_array_get_length (list) == 2 && node_to_size (json_array_get_element (list, 0), &extent->begin) &&
         node_to_size (json_array_get_element (list, 1), &extent->end) && extent->begin <= extent->end;
}

static gboolean
read_tensor (CbamSafetensors *file, const char *name, JsonNode *node, const guint8 *data, gsize data_size,
             Extent *extent, GError **error)
{
  g_autofree char *quoted = cbam_json_quote (name);
  g_autofree char *dims = NULL;
  CbamFileTensor tensor = { .name = name };
  const DtypeInfo *info;
  JsonObject *entry;
  gsize bits, bytes;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse_key (file, name, "entry", "an object with dtype, shape and data_offsets", node, error);
  entry = json_node_get_object (node);

  info = find_dtype (json_object_get_member (entry, "dtype"));
  if (info == NULL)
    return refuse_key (file, name, "dtype", "a dtype of the format (F32, F16, BF16, ...)",
                       json_object_get_member (entry, "dtype"), error);
  if (!read_shape (json_object_get_member (entry, "shape"), &tensor))
    return refuse_key (file, name, "shape", "a list of at most " G_STRINGIFY (CBAM_MAX_DIMS) " sizes that can exist",
                       json_object_get_member (entry, "shape"), error);
  if (!read_extent (json_object_get_member (entry, "data_offsets"), extent))
    return refuse_key (file, name, "data_offsets", "[begin, end], two byte offsets with begin <= end",
                       json_object_get_member (entry, "data_offsets"), error);

  if (extent->end > data_size)
    return refuse (error,
                   "%s: tensor %s: data_offsets: expected an end up to %zu (all bytes after the header), "
                   "found %zu",
                   file->path, quoted, data_size, extent->end);

  dims = cbam_dims_to_string (tensor.dims, tensor.n_dims);
  if (!g_size_checked_mul (&bits, tensor.n_elements, info->bits))
    return refuse (error, "%s: tensor %s: shape: expected a size that can exist, found %s", file->path, quoted, dims);
  bytes = bits / 8 + (bits % 8 != 0);
  if (bytes != extent->end - extent->begin)
    return refuse (error, "%s: tensor %s: data_offsets: expected %zu bytes for %s of %s, found %zu", file->path, quoted,
                   bytes, dims, info->name, extent->end - extent->begin);

  tensor.dtype = info->dtype;
  tensor.dtype_name = info->name;
  tensor.data = data + extent->begin;
  extent->tensor = file->tensors->len;
  g_array_append_val (file->tensors, tensor);
  g_hash_table_insert (file->by_name, (gpointer) name, GUINT_TO_POINTER (file->tensors->len));
  return TRUE;
}

static gboolean
read_metadata (CbamSafetensors *file, JsonNode *node, GError **error)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    g_autofree char *shown = cbam_json_describe (node);

    return refuse (error, "%s: __metadata__: expected an object of strings, found %s", file->path, shown);
  }

  file->metadata = json_node_get_object (node);
  json_object_iter_init (&iter, file->metadata);
  while (json_object_iter_next (&iter, &key, &value))
    if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_STRING) {
      g_autofree char *quoted = cbam_json_quote (key);
      g_autofree char *shown = cbam_json_describe (value);

      return refuse (error, "%s: __metadata__: %s: expected a string, found %s", file->path, quoted, shown);
    }
  return TRUE;
}

static int
compare_extents (const void *a, const void *b)
{
  const Extent *x = a, *y = b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

/* Holes between tensors do no harm and are let pass; tensors without elements lie nowhere. */
static gboolean
check_overlaps (CbamSafetensors *file, GArray *extents, GError **error)
{
  g_array_sort (extents, compare_extents);
  for (guint i = 1; i < extents->len; i++) {
    const Extent *before = &g_array_index (extents, Extent, i - 1);
    const Extent *after = &g_array_index (extents, Extent, i);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (after->begin >= before->end)
      continue;
    first = cbam_json_quote (cbam_safetensors_nth (file, before->tensor)->name);
    second = cbam_json_quote (cbam_safetensors_nth (file, after->tensor)->name);
    return refuse (error,
                   "%s: tensors %s and %s: data_offsets: expected bytes of their own, found overlapping "
                   "[%zu, %zu] and [%zu, %zu]",
                   file->path, first, second, before->begin, before->end, after->begin, after->end);
  }
  return TRUE;
}

static gboolean
read_header (CbamSafetensors *file, const guint8 *data, gsize data_size, GError **error)
{
  g_autoptr (GArray) extents = g_array_new (FALSE, FALSE, sizeof (Extent));
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init_ordered (&iter, file->header);
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    Extent extent = { 0 };

    if (g_str_equal (name, "__metadata__")) {
      if (!read_metadata (file, node, error))
        return FALSE;
      continue;
    }
    if (!read_tensor (file, name, node, data, data_size, &extent, error))
      return FALSE;
    if (extent.end > extent.begin)
      g_array_append_val (extents, extent);
  }
  return check_overlaps (file, extents, error);
}

/* Checks the eight bytes of length and parses what they announce. Returns the header's size, 0 with @error set. */
static gsize
parse_header (CbamSafetensors *file, const guint8 *data, gsize size, GError **error)
{
  g_autofree char *where = g_strdup_printf ("%s: header", file->path);
  guint64 length;

  if (size == 0)
    return refuse (error, "%s: expected a safetensors file, found an empty file", file->path);
  if (size < LENGTH_BYTES)
    return refuse (error, "%s: expected at least %d bytes (the header's length), found %zu", file->path, LENGTH_BYTES,
                   size);

  memcpy (&length, data, sizeof length);
  length = GUINT64_FROM_LE (length);
  if (length > size - LENGTH_BYTES)
    return refuse (error, "%s: header length: expected at most %zu (the file has %zu bytes), found %" G_GUINT64_FORMAT,
                   file->path, size - LENGTH_BYTES, size, length);
  if (length > MAX_HEADER_BYTES)
    return refuse (error, "%s: header length: expected at most %d, found %" G_GUINT64_FORMAT, file->path,
                   MAX_HEADER_BYTES, length);

  file->header = cbam_json_parse_object (where, (const char *) data + LENGTH_BYTES, (gsize) length, error);
  return file->header == NULL ? 0 : LENGTH_BYTES + (gsize) length;
}

CbamSafetensors *
cbam_safetensors_new_for_data (const char *name, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (CbamSafetensors) file = g_new0 (CbamSafetensors, 1);
  gsize header_size;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (data != NULL || size == 0, NULL);

  file->path = g_strdup (name);
  file->tensors = g_array_new (FALSE, FALSE, sizeof (CbamFileTensor));
  file->by_name = g_hash_table_new (g_str_hash, g_str_equal);

  header_size = parse_header (file, data, size, error);
  if (header_size == 0 || !read_header (file, data + header_size, size - header_size, error))
    return NULL;
  return g_steal_pointer (&file);
}

CbamSafetensors *
cbam_safetensors_new_for_bytes (const char *name, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  CbamSafetensors *file = cbam_safetensors_new_for_data (name, data, size, error);

  if (file != NULL)
    file->bytes = g_bytes_ref (bytes);
  return file;
}

/* Opens @path without waiting for the other end of a pipe, and refuses what is not a regular file. */
static int
open_regular (const char *path, GError **error)
{
  struct stat info;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

  if (fd < 0 || fstat (fd, &info) < 0) {
    int reason = errno;

    if (fd >= 0)
      g_close (fd, NULL);
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND, "%s: expected a model file, found an error: %s", path,
                 g_strerror (reason));
    return -1;
  }
  if (!S_ISREG (info.st_mode)) {
    g_close (fd, NULL);
    refuse (error, "%s: expected a model file, found a %s", path,
            S_ISDIR (info.st_mode) ? "directory" : "device, pipe or socket");
    return -1;
  }
  return fd;
}

CbamSafetensors *
cbam_safetensors_open (const char *path, GError **error)
{
  g_autoptr (GMappedFile) map = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) reason = NULL;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);

  fd = open_regular (path, error);
  if (fd < 0)
    return NULL;
  map = g_mapped_file_new_from_fd (fd, FALSE, &reason);
  g_close (fd, NULL);
  if (map == NULL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND, "%s: expected a model file, found an error: %s", path,
                 reason->message);
    return NULL;
  }

  bytes = g_mapped_file_get_bytes (map);
  return cbam_safetensors_new_for_bytes (path, bytes, error);
}

void
cbam_safetensors_free (CbamSafetensors *file)
{
  if (file == NULL)
    return;
  g_clear_pointer (&file->by_name, g_hash_table_unref);
  g_clear_pointer (&file->tensors, g_array_unref);
  g_clear_pointer (&file->header, json_object_unref);
  g_clear_pointer (&file->bytes, g_bytes_unref);
  g_free (file->path);
  g_free (file);
}

const CbamFileTensor *
cbam_safetensors_get (const CbamSafetensors *file, const char *name)
{
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (file->by_name, name));

  return place == 0 ? NULL : cbam_safetensors_nth (file, place - 1);
}

guint
cbam_safetensors_size (const CbamSafetensors *file)
{
  return file->tensors->len;
}

const CbamFileTensor *
cbam_safetensors_nth (const CbamSafetensors *file, guint i)
{
  g_return_val_if_fail (i < file->tensors->len, NULL);

  return &g_array_index (file->tensors, CbamFileTensor, i);
}

const char *
cbam_safetensors_get_metadata (const CbamSafetensors *file, const char *key)
{
  if (file->metadata == NULL || !json_object_has_member (file->metadata, key))
    return NULL;
  return json_object_get_string_member (file->metadata, key);
}

const char *
cbam_safetensors_get_path (const CbamSafetensors *file)
{
  return file->path;
}

void
cbam_file_tensor_to_float (const CbamFileTensor *tensor, float *out)
{
  g_return_if_fail (tensor->dtype != CBAM_DTYPE_OTHER);

  for (gsize i = 0; i < tensor->n_elements; i++) {
    guint32 bits;
    guint16 half;

    if (tensor->dtype == CBAM_DTYPE_F32) {
      memcpy (&bits, tensor->data + 4 * i, sizeof bits);
      bits = GUINT32_FROM_LE (bits);
    } else {
      memcpy (&half, tensor->data + 2 * i, sizeof half);
      half = GUINT16_FROM_LE (half);
      bits = (guint32) half << 16;
    }
    if (tensor->dtype == CBAM_DTYPE_F16)
      out[i] = cbam_half_to_float (half);
    else
      memcpy (out + i, &bits, sizeof bits);
  }
}

char *
cbam_dims_to_string (const gsize *dims, guint n_dims)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, "%s%zu", i == 0 ? "" : ", ", dims[i]);
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}
