/* oneDNN: convolutions and products of matrices as primitives of it. All that depends on oneDNN's version is in
 * onednn.c.
 *
 * Only threads that have called cbam_onednn_enter_thread() may call what follows: it has oneDNN compute with the
 * calling thread alone, so that the OpenMP runtime it may have been built with makes no threads of its own, and leaves
 * all others their settings.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

typedef struct _CbamOnednn CbamOnednn;
typedef struct _CbamOnednnWorker CbamOnednnWorker;

typedef enum
{
  CBAM_ONEDNN_NO_FUNCTION,
  CBAM_ONEDNN_CLAMP,
  CBAM_ONEDNN_LEAKY_RELU, /* what is negative times lo */
  CBAM_ONEDNN_HARD_SWISH,
} CbamOnednnFunction;

/* A convolution of one image. Maps are [row][pixel][channel], of fp32; so are weights, unless @bf16. */
typedef struct
{
  guint in_width, in_height, in_channels;
  guint width, height, channels;
  guint kernel_width, kernel_height, stride, dilation;
  gint pad_left, pad_top; /* right and bottom follow from the sizes */
  guint up_x, up_y;       /* > 0: transposed, output pixels per input pixel */
  guint groups;           /* of channels, as many as those: depthwise; 0 = 1 */
  gboolean bf16;          /* the input and the weights are in bfloat16; sums, and all else, in fp32 */
  gboolean has_bias;
  gboolean adds; /* to what is there, before the function */
  CbamOnednnFunction function;
  float lo, hi;
  gboolean sigmoid; /* after the function */
} CbamOnednnForm;

/* Products of matrices, [rows][inner] times [inner][columns], as many as @batch says one behind the other. */
typedef struct
{
  guint batch, rows, inner, columns;
} CbamOnednnProduct;

typedef struct
{
  const void *input, *weights; /* as the form says */
  const float *bias;
  float *output;
} CbamOnednnBuffers;

/* "oneDNN 2.6.3" */
char *cbam_onednn_get_version (void);
/* Whether this processor multiplies numbers in bfloat16, and whether it has units for tiles of them (AMX). The first is
 * FALSE where oneDNN was told to leave such instructions alone (ONEDNN_MAX_CPU_ISA). */
gboolean cbam_onednn_has_bf16 (gboolean *ret_has_tiles);
void cbam_onednn_enter_thread (void);

/* @id: any number that is the primitive's own among those that a worker runs. */
CbamOnednn *cbam_onednn_new (const CbamOnednnForm *form, guint id, GError **error);
CbamOnednn *cbam_onednn_new_product (const CbamOnednnProduct *product, guint id, GError **error);
/* @primitive may be NULL. */
void cbam_onednn_free (CbamOnednn *primitive);
/* oneDNN's name for the code that runs it. */
const char *cbam_onednn_get_code (const CbamOnednn *primitive);
gsize cbam_onednn_get_scratch_size (const CbamOnednn *primitive); /* bytes */
gsize cbam_onednn_get_weights_size (const CbamOnednn *primitive); /* bytes */
/* Whether both read weights in the same order. */
gboolean cbam_onednn_shares_weights (const CbamOnednn *a, const CbamOnednn *b);
/* From [out][in of the group][row][column], of a product [batch][inner][columns], to where @primitive wants each. */
gboolean cbam_onednn_pack (const CbamOnednn *primitive, const float *weights, void *packed, GError **error);

/* What a thread needs to run primitives of less than @n ids, with @scratch_size bytes at most. */
CbamOnednnWorker *cbam_onednn_worker_new (guint n, gsize scratch_size);
void cbam_onednn_worker_free (CbamOnednnWorker *worker);
gboolean cbam_onednn_run (CbamOnednnWorker *worker, const CbamOnednn *primitive, const CbamOnednnBuffers *buffers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamOnednn, cbam_onednn_free)
