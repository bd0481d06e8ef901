/* Winograd's convolution in three steps, as a fusion makes it of a 3x3 convolution of many channels: winograd_in
 * transforms tiles of the input, a 1x1 convolution in groups multiplies each place of a transformed tile by weights of
 * its own, winograd_out makes pixels of the sums.
 *
 *     map, width x height x in -> tiles in a row x rows x [place][in] -> tiles in a row x rows x [place][out] -> map
 *
 * A map is worked off in stripes of whole rows of tiles, so that what is between the steps stays in a cache. The output
 * channels of a place are rounded up, with weights of zero. The 1x1 convolution has the parameters of the 3x3 one, and
 * its weights are transformed when they are packed: its params->winograd says so.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/winograd.h"

#include "ops/conv.h"

extern const CbamOpClass cbam_op_winograd_in, cbam_op_winograd_out;

/* Of both. It begins with the convolution's, so that who looks for the weights of a map finds them. */
typedef struct
{
  CbamConvParams conv;
  guint first, rows; /* of tiles, that the stripe has */
  gboolean pools;    /* on the way out: the largest of each 2x2 pixels alone */
} CbamWinogradParams;

CBAM_OP_PARAMS (CbamWinogradParams, cbam_winograd_params)

/* Weights of output channel @o for one place, of all input channels: G w G^T. @weight: [out, in, 3, 3]; of channels
 * past the last they are zero. */
void cbam_winograd_transform (const CbamParam *weight, gsize o, guint place, float *ret_weights);
extern const double cbam_winograd_in[CBAM_WINOGRAD_SPAN][CBAM_WINOGRAD_SPAN];  /* B^T */
extern const double cbam_winograd_out[CBAM_WINOGRAD_TILE][CBAM_WINOGRAD_SPAN]; /* A^T */

/* Tiles in a row of the convolution's output, and rows of tiles. */
guint cbam_winograd_across (const CbamConvParams *conv);
guint cbam_winograd_down (const CbamConvParams *conv);
/* Number of the first pixel of tile number @tile along an axis; the others follow by the dilation. */
guint cbam_winograd_first_pixel (const CbamConvParams *conv, guint tile);
/* Channels of a place behind the products. */
guint cbam_winograd_channels (const CbamNode *conv);

/* All push constants but step and bias, and groups[0]. */
void cbam_winograd_fill_args (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch);

/* Whether it could be in three steps: 3x3, stride 1, nothing but bias and activation, all of the input and output. */
gboolean cbam_winograd_fits (const CbamNode *node);
/* Puts them into the place of the convolution @node, in stripes of @rows rows of tiles, and of the max pool 2x2 behind
 * it if @pool is not NULL. The caller removes both. */
void cbam_winograd_split (CbamGraph *graph, CbamNode *node, CbamNode *pool, guint rows);
/* So many rows as take the least time; 0: the convolution as it is takes less. */
guint cbam_winograd_choose_rows (const CbamNode *node);
