/* oneDNN 2 and 3: what the two call differently is in the first section.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host/onednn.h"

#include <oneapi/dnnl/dnnl.h>

#include <cbamdetect/types.h>

#define ALIGNMENT 64 /* bytes: a cache line, and the widest vectors */

struct _CbamOnednn
{
  guint id;
  gboolean has_bias;
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t handle;
  guint weight_dims;
  dnnl_dims_t dims;        /* of the weights */
  dnnl_format_tag_t plain; /* in which they come */
};

/* A primitive's arguments as a thread hands them over. */
enum
{
  INPUT,
  WEIGHTS,
  OUTPUT,
  SCRATCH,
  BIAS,
  MOST_ARGUMENTS
};

typedef struct
{
  guint n;
  dnnl_exec_arg_t list[MOST_ARGUMENTS];
  guint place[MOST_ARGUMENTS]; /* in the list */
} Arguments;

struct _CbamOnednnWorker
{
  dnnl_stream_t stream;
  guint n;
  Arguments **arguments; /* by id; NULL until the primitive runs */
  void *scratch;
};

/* ---- Versions ---------------------------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t Desc;
typedef const_dnnl_memory_desc_t DescRef;
#define REF(desc) (desc)
#define HARD_SWISH_ALPHA (1.0f / 6)
#define HARD_SWISH_BETA 0.5f
#else
typedef dnnl_memory_desc_t Desc;
typedef const dnnl_memory_desc_t *DescRef;
#define REF(desc) (&(desc))
#define HARD_SWISH_ALPHA 0
#define HARD_SWISH_BETA 0
#endif

static dnnl_status_t
desc_init (Desc *desc, guint n_dims, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_tag (desc, (int) n_dims, dims, type, tag);
#else
  return dnnl_memory_desc_init_by_tag (desc, (int) n_dims, dims, type, tag);
#endif
}

static void
desc_clear (Desc *desc)
{
#if DNNL_VERSION_MAJOR >= 3
  if (*desc)
    dnnl_memory_desc_destroy (*desc);
#endif
}

static dnnl_status_t
append_function (dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta)
{
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_eltwise (ops, kind, alpha, beta);
#else
  return dnnl_post_ops_append_eltwise (ops, 1, kind, alpha, beta);
#endif
}

static dnnl_status_t
append_sum (dnnl_post_ops_t ops)
{
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_sum (ops, 1, 0, dnnl_data_type_undef);
#else
  return dnnl_post_ops_append_sum (ops, 1);
#endif
}

/* What a convolution is made of. */
typedef struct
{
  gboolean transposed;
  Desc input, weights, bias, output;
  DescRef bias_or_none;
  dnnl_dims_t strides, dilations, before, after;
} Shape;

static dnnl_status_t
create_desc (dnnl_primitive_desc_t *ret_desc, dnnl_engine_t engine, const Shape *s, dnnl_primitive_attr_t attributes)
{
#if DNNL_VERSION_MAJOR >= 3
  if (s->transposed)
    return dnnl_deconvolution_forward_primitive_desc_create (
        ret_desc, engine, dnnl_forward_inference, dnnl_deconvolution_direct, s->input, s->weights, s->bias_or_none,
        s->output, s->strides, s->dilations, s->before, s->after, attributes);
  return dnnl_convolution_forward_primitive_desc_create (
      ret_desc, engine, dnnl_forward_inference, dnnl_convolution_direct, s->input, s->weights, s->bias_or_none,
      s->output, s->strides, s->dilations, s->before, s->after, attributes);
#else
  dnnl_deconvolution_desc_t transposed;
  dnnl_convolution_desc_t plain;
  dnnl_status_t status;

  if (s->transposed)
    status = dnnl_dilated_deconvolution_forward_desc_init (
        &transposed, dnnl_forward_inference, dnnl_deconvolution_direct, &s->input, &s->weights, s->bias_or_none,
        &s->output, s->strides, s->dilations, s->before, s->after);
  else
    status = dnnl_dilated_convolution_forward_desc_init (&plain, dnnl_forward_inference, dnnl_convolution_direct,
                                                         &s->input, &s->weights, s->bias_or_none, &s->output,
                                                         s->strides, s->dilations, s->before, s->after);
  if (status != dnnl_success)
    return status;
  return dnnl_primitive_desc_create (ret_desc, s->transposed ? (const void *) &transposed : &plain, attributes, engine,
                                     NULL);
#endif
}

static dnnl_status_t
create_product_desc (dnnl_primitive_desc_t *ret_desc, dnnl_engine_t engine, const Shape *s,
                     dnnl_primitive_attr_t attributes)
{
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_matmul_primitive_desc_create (ret_desc, engine, s->input, s->weights, NULL, s->output, attributes);
#else
  dnnl_matmul_desc_t product;
  const dnnl_status_t status = dnnl_matmul_desc_init (&product, &s->input, &s->weights, NULL, &s->output);

  if (status != dnnl_success)
    return status;
  return dnnl_primitive_desc_create (ret_desc, &product, attributes, engine, NULL);
#endif
}

/* ---- The process's part ------------------------------------------------------------------------------------------ */

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
/* Of the OpenMP runtime that oneDNN brings with it; a setting of the calling thread. */
void omp_set_num_threads (int n);
#endif

void
cbam_onednn_enter_thread (void)
{
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
  omp_set_num_threads (1);
#endif
}

char *
cbam_onednn_get_version (void)
{
  const dnnl_version_t *version = dnnl_version ();

  return g_strdup_printf ("oneDNN %d.%d.%d", version->major, version->minor, version->patch);
}

gboolean
cbam_onednn_has_bf16 (gboolean *ret_has_tiles)
{
#if defined(__x86_64__)
  const guint isa = dnnl_get_effective_cpu_isa (), bf16 = dnnl_cpu_isa_avx512_core_bf16;
  const guint tiles = dnnl_cpu_isa_avx512_core_amx;

  *ret_has_tiles = (isa & tiles) == tiles;
  return (isa & bf16) == bf16;
#else
  *ret_has_tiles = FALSE;
  return FALSE;
#endif
}

static gboolean
check (dnnl_status_t status, const char *call, GError **error)
{
  if (status == dnnl_success)
    return TRUE;
  g_set_error (error, CBAM_ERROR,
               status == dnnl_out_of_memory   ? CBAM_ERROR_OUT_OF_MEMORY
               : status == dnnl_unimplemented ? CBAM_ERROR_UNSUPPORTED
                                              : CBAM_ERROR_FAILED,
               "oneDNN: %s gave status %d", call, (int) status);
  return FALSE;
}

static dnnl_engine_t engine; /* of all primitives and workers; NULL before the first primitive */

static gboolean
make_engine (GError **error)
{
  static GMutex lock;
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  return engine != NULL || check (dnnl_engine_create (&engine, dnnl_cpu, 0), "dnnl_engine_create", error);
}

/* ---- Primitives -------------------------------------------------------------------------------------------------- */

static dnnl_dim_t
padding_after (guint input, guint output, guint kernel, gint before, guint up, const CbamOnednnForm *form)
{
  if (up > 0)
    return (dnnl_dim_t) (input - 1) * up + kernel - before - output;
  return (dnnl_dim_t) (output - 1) * form->stride + (kernel - 1) * form->dilation + 1 - (dnnl_dim_t) input - before;
}

static gboolean
shape_init (Shape *shape, CbamOnednn *primitive, const CbamOnednnForm *form, GError **error)
{
  const gboolean transposed = form->up_x > 0;
  const dnnl_dims_t input = { 1, form->in_channels, form->in_height, form->in_width };
  const dnnl_dims_t output = { 1, form->channels, form->height, form->width };
  const dnnl_dims_t full = { form->channels, form->in_channels, form->kernel_height, form->kernel_width };
  const guint groups = MAX (form->groups, 1);
  const dnnl_dims_t grouped = { groups, form->channels / groups, form->in_channels / groups, form->kernel_height,
                                form->kernel_width };
  const dnnl_dims_t bias = { form->channels };
  const dnnl_data_type_t type = form->bf16 ? dnnl_bf16 : dnnl_f32;

  primitive->weight_dims = groups > 1 ? 5 : 4;
  primitive->plain = groups > 1 ? dnnl_goihw : dnnl_oihw;
  for (guint i = 0; i < primitive->weight_dims; i++)
    primitive->dims[i] = groups > 1 ? grouped[i] : full[i];
  shape->transposed = transposed;
  shape->strides[0] = transposed ? form->up_y : form->stride;
  shape->strides[1] = transposed ? form->up_x : form->stride;
  shape->dilations[0] = shape->dilations[1] = form->dilation - 1;
  shape->before[0] = form->pad_top;
  shape->before[1] = form->pad_left;
  shape->after[0] = padding_after (form->in_height, form->height, form->kernel_height, form->pad_top, form->up_y, form);
  shape->after[1] = padding_after (form->in_width, form->width, form->kernel_width, form->pad_left, form->up_x, form);
  return check (desc_init (&shape->input, 4, input, type, dnnl_nhwc), "describing the input", error) &&
         check (desc_init (&shape->output, 4, output, dnnl_f32, dnnl_nhwc), "describing the output", error) &&
         check (desc_init (&shape->weights, primitive->weight_dims, primitive->dims, type, dnnl_format_tag_any),
                "describing weights", error) &&
         check (desc_init (&shape->bias, 1, bias, dnnl_f32, dnnl_a), "describing the bias", error);
}

static void
shape_clear (Shape *shape)
{
  desc_clear (&shape->input);
  desc_clear (&shape->weights);
  desc_clear (&shape->bias);
  desc_clear (&shape->output);
}

/* What comes after the sum of products. */
static gboolean
append_epilogue (dnnl_post_ops_t ops, const CbamOnednnForm *form, GError **error)
{
  dnnl_status_t status = dnnl_success;

  if (form->adds)
    status = append_sum (ops);
  if (status == dnnl_success)
    switch (form->function) {
      case CBAM_ONEDNN_NO_FUNCTION: break;
      case CBAM_ONEDNN_CLAMP:
        status =
            form->lo == 0 && form->hi > G_MAXFLOAT
                ? append_function (ops, dnnl_eltwise_relu, 0, 0)
                : append_function (ops, dnnl_eltwise_clip, MAX (form->lo, -G_MAXFLOAT), MIN (form->hi, G_MAXFLOAT));
        break;
      case CBAM_ONEDNN_LEAKY_RELU: status = append_function (ops, dnnl_eltwise_relu, form->lo, 0); break;
      case CBAM_ONEDNN_HARD_SWISH:
        status = append_function (ops, dnnl_eltwise_hardswish, HARD_SWISH_ALPHA, HARD_SWISH_BETA);
        break;
    }
  if (status == dnnl_success && form->sigmoid)
    status = append_function (ops, dnnl_eltwise_logistic, 0, 0);
  return check (status, "an epilogue", error);
}

static gboolean
create (CbamOnednn *primitive, const CbamOnednnForm *form, const Shape *shape, GError **error)
{
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t ops = NULL;
  gboolean ok;

  ok = make_engine (error) && check (dnnl_primitive_attr_create (&attributes), "dnnl_primitive_attr_create", error) &&
       check (dnnl_post_ops_create (&ops), "dnnl_post_ops_create", error) && append_epilogue (ops, form, error) &&
       check (dnnl_primitive_attr_set_post_ops (attributes, ops), "dnnl_primitive_attr_set_post_ops", error) &&
       check (dnnl_primitive_attr_set_scratchpad_mode (attributes, dnnl_scratchpad_mode_user),
              "dnnl_primitive_attr_set_scratchpad_mode", error) &&
       check (create_desc (&primitive->desc, engine, shape, attributes), "describing a convolution", error) &&
       check (dnnl_primitive_create (&primitive->handle, primitive->desc), "dnnl_primitive_create", error);
  if (ops != NULL)
    dnnl_post_ops_destroy (ops);
  if (attributes != NULL)
    dnnl_primitive_attr_destroy (attributes);
  return ok;
}

CbamOnednn *
cbam_onednn_new (const CbamOnednnForm *form, guint id, GError **error)
{
  g_autoptr (CbamOnednn) primitive = g_new0 (CbamOnednn, 1);
  Shape shape = { 0 };
  gboolean ok;

  primitive->id = id;
  primitive->has_bias = form->has_bias;
  ok = shape_init (&shape, primitive, form, error);
  shape.bias_or_none = form->has_bias ? REF (shape.bias) : NULL;
  ok = ok && create (primitive, form, &shape, error);
  shape_clear (&shape);
  return ok ? g_steal_pointer (&primitive) : NULL;
}

static gboolean
product_shape_init (Shape *shape, CbamOnednn *primitive, const CbamOnednnProduct *product, GError **error)
{
  const dnnl_dims_t input = { product->batch, product->rows, product->inner };
  const dnnl_dims_t weights = { product->batch, product->inner, product->columns };
  const dnnl_dims_t output = { product->batch, product->rows, product->columns };

  primitive->weight_dims = 3;
  primitive->plain = dnnl_abc;
  for (guint i = 0; i < 3; i++)
    primitive->dims[i] = weights[i];
  return check (desc_init (&shape->input, 3, input, dnnl_f32, dnnl_abc), "describing the input", error) &&
         check (desc_init (&shape->weights, 3, weights, dnnl_f32, dnnl_format_tag_any), "describing weights", error) &&
         check (desc_init (&shape->output, 3, output, dnnl_f32, dnnl_abc), "describing the output", error);
}

CbamOnednn *
cbam_onednn_new_product (const CbamOnednnProduct *product, guint id, GError **error)
{
  g_autoptr (CbamOnednn) primitive = g_new0 (CbamOnednn, 1);
  dnnl_primitive_attr_t attributes = NULL;
  Shape shape = { 0 };
  gboolean ok;

  primitive->id = id;
  ok = make_engine (error) && product_shape_init (&shape, primitive, product, error) &&
       check (dnnl_primitive_attr_create (&attributes), "dnnl_primitive_attr_create", error) &&
       check (dnnl_primitive_attr_set_scratchpad_mode (attributes, dnnl_scratchpad_mode_user),
              "dnnl_primitive_attr_set_scratchpad_mode", error) &&
       check (create_product_desc (&primitive->desc, engine, &shape, attributes), "describing a product", error) &&
       check (dnnl_primitive_create (&primitive->handle, primitive->desc), "dnnl_primitive_create", error);
  if (attributes != NULL)
    dnnl_primitive_attr_destroy (attributes);
  shape_clear (&shape);
  return ok ? g_steal_pointer (&primitive) : NULL;
}

void
cbam_onednn_free (CbamOnednn *primitive)
{
  if (primitive == NULL)
    return;
  if (primitive->handle != NULL)
    dnnl_primitive_destroy (primitive->handle);
  if (primitive->desc != NULL)
    dnnl_primitive_desc_destroy (primitive->desc);
  g_free (primitive);
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

static DescRef
get_desc (const CbamOnednn *primitive, dnnl_query_t what)
{
  return dnnl_primitive_desc_query_md (primitive->desc, what, 0);
}

const char *
cbam_onednn_get_code (const CbamOnednn *primitive)
{
  const char *name = NULL;

  dnnl_primitive_desc_query (primitive->desc, dnnl_query_impl_info_str, 0, &name);
  return name != NULL ? name : "";
}

gsize
cbam_onednn_get_scratch_size (const CbamOnednn *primitive)
{
  return dnnl_memory_desc_get_size (get_desc (primitive, dnnl_query_scratchpad_md));
}

gsize
cbam_onednn_get_weights_size (const CbamOnednn *primitive)
{
  return dnnl_memory_desc_get_size (get_desc (primitive, dnnl_query_weights_md));
}

gboolean
cbam_onednn_shares_weights (const CbamOnednn *a, const CbamOnednn *b)
{
  return dnnl_memory_desc_equal (get_desc (a, dnnl_query_weights_md), get_desc (b, dnnl_query_weights_md)) != 0;
}

/* ---- Packing ----------------------------------------------------------------------------------------------------- */

/* Runs the reorder between two memories of one engine. */
static gboolean
reorder (dnnl_memory_t from, DescRef from_desc, dnnl_memory_t to, DescRef to_desc, GError **error)
{
  const dnnl_exec_arg_t list[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t handle = NULL;
  dnnl_stream_t stream = NULL;
  gboolean ok;

  ok = check (dnnl_reorder_primitive_desc_create (&desc, from_desc, engine, to_desc, engine, NULL),
              "describing an order of weights", error) &&
       check (dnnl_primitive_create (&handle, desc), "dnnl_primitive_create", error) &&
       check (dnnl_stream_create (&stream, engine, dnnl_stream_default_flags), "dnnl_stream_create", error) &&
       check (dnnl_primitive_execute (handle, stream, G_N_ELEMENTS (list), list), "dnnl_primitive_execute", error) &&
       check (dnnl_stream_wait (stream), "dnnl_stream_wait", error);
  if (stream != NULL)
    dnnl_stream_destroy (stream);
  if (handle != NULL)
    dnnl_primitive_destroy (handle);
  if (desc != NULL)
    dnnl_primitive_desc_destroy (desc);
  return ok;
}

gboolean
cbam_onednn_pack (const CbamOnednn *primitive, const float *weights, void *packed, GError **error)
{
  const DescRef to_desc = get_desc (primitive, dnnl_query_weights_md);
  dnnl_memory_t from = NULL, to = NULL;
  Desc plain = { 0 };
  gboolean ok;

  ok = check (desc_init (&plain, primitive->weight_dims, primitive->dims, dnnl_f32, primitive->plain),
              "describing weights", error) &&
       check (dnnl_memory_create (&from, REF (plain), engine, (void *) weights), "dnnl_memory_create", error) &&
       check (dnnl_memory_create (&to, to_desc, engine, packed), "dnnl_memory_create", error) &&
       reorder (from, REF (plain), to, to_desc, error);
  if (from != NULL)
    dnnl_memory_destroy (from);
  if (to != NULL)
    dnnl_memory_destroy (to);
  desc_clear (&plain);
  return ok;
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

CbamOnednnWorker *
cbam_onednn_worker_new (guint n, gsize scratch_size)
{
  CbamOnednnWorker *worker = g_new0 (CbamOnednnWorker, 1);

  dnnl_stream_create (&worker->stream, engine, dnnl_stream_default_flags);
  worker->n = n;
  worker->arguments = g_new0 (Arguments *, n);
  worker->scratch = g_aligned_alloc (1, MAX (scratch_size, 1), ALIGNMENT);
  return worker;
}

static void
arguments_free (Arguments *arguments)
{
  for (guint i = 0; arguments != NULL && i < arguments->n; i++)
    if (arguments->list[i].memory != NULL)
      dnnl_memory_destroy (arguments->list[i].memory);
  g_free (arguments);
}

void
cbam_onednn_worker_free (CbamOnednnWorker *worker)
{
  if (worker == NULL)
    return;
  for (guint i = 0; i < worker->n; i++)
    arguments_free (worker->arguments[i]);
  if (worker->stream != NULL)
    dnnl_stream_destroy (worker->stream);
  g_aligned_free (worker->scratch);
  g_free (worker->arguments);
  g_free (worker);
}

static gboolean
add_argument (Arguments *arguments, guint which, int name, DescRef desc, void *data)
{
  dnnl_exec_arg_t *argument = &arguments->list[arguments->n];

  argument->arg = name;
  arguments->place[which] = arguments->n++;
  return dnnl_memory_create (&argument->memory, desc, engine, data) == dnnl_success;
}

/* Memory objects without memory, but for the scratch. */
static Arguments *
arguments_new (const CbamOnednn *primitive, void *scratch)
{
  Arguments *arguments = g_new0 (Arguments, 1);
  const DescRef output = get_desc (primitive, dnnl_query_dst_md);
  gboolean ok;

  ok = add_argument (arguments, INPUT, DNNL_ARG_SRC, get_desc (primitive, dnnl_query_src_md), DNNL_MEMORY_NONE) &&
       add_argument (arguments, WEIGHTS, DNNL_ARG_WEIGHTS, get_desc (primitive, dnnl_query_weights_md),
                     DNNL_MEMORY_NONE) &&
       add_argument (arguments, OUTPUT, DNNL_ARG_DST, output, DNNL_MEMORY_NONE) &&
       add_argument (arguments, SCRATCH, DNNL_ARG_SCRATCHPAD, get_desc (primitive, dnnl_query_scratchpad_md), scratch);
  if (ok && primitive->has_bias)
    ok = add_argument (arguments, BIAS, DNNL_ARG_BIAS,
                       dnnl_primitive_desc_query_md (primitive->desc, dnnl_query_weights_md, 1), DNNL_MEMORY_NONE);
  if (ok)
    return arguments;
  arguments_free (arguments);
  return NULL;
}

static gboolean
set_data (const Arguments *arguments, guint which, const void *data)
{
  return dnnl_memory_set_data_handle (arguments->list[arguments->place[which]].memory, (void *) data) == dnnl_success;
}

gboolean
cbam_onednn_run (CbamOnednnWorker *worker, const CbamOnednn *primitive, const CbamOnednnBuffers *buffers)
{
  const Arguments *arguments = worker->arguments[primitive->id];

  if (arguments == NULL)
    arguments = worker->arguments[primitive->id] = arguments_new (primitive, worker->scratch);
  return arguments != NULL && set_data (arguments, INPUT, buffers->input) &&
         set_data (arguments, WEIGHTS, buffers->weights) && set_data (arguments, OUTPUT, buffers->output) &&
         (!primitive->has_bias || set_data (arguments, BIAS, buffers->bias)) &&
         dnnl_primitive_execute (primitive->handle, worker->stream, (int) arguments->n, arguments->list) ==
             dnnl_success &&
         dnnl_stream_wait (worker->stream) == dnnl_success;
}
