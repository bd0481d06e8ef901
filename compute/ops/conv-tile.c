/* Packing, choice and dispatch of the tiles in shared memory.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ops/conv-tile.h"

#include <math.h>

/* ---- Shapes ----------------------------------------------------------------------------------------------------- */

/* That an invocation keeps. */
guint
cbam_conv_tile_sums (const CbamOpVariant *variant)
{
  return CBAM_GPU_SIDE * (variant->needs & CBAM_NEED_HALF ? CBAM_PACKED_SIDE : CBAM_GPU_SIDE);
}

/* Those of a workgroup. */
static guint
threads_of (const CbamOpVariant *variant)
{
  return variant->tile[0] * variant->tile[1] * variant->tile[2] / cbam_conv_tile_sums (variant);
}

static guint
count_turns (const CbamOpVariant *variant, const CbamNode *node)
{
  const guint turn = variant->tile[2] * variant->tile[3];
  const gsize depth = cbam_conv_in_blocks (variant, node) * cbam_conv_taps (node);

  return (guint) ((depth + turn - 1) / turn);
}

/* ---- Weights ---------------------------------------------------------------------------------------------------- */

/* Floats before the bias. */
static gsize
count_weights (const CbamOpVariant *variant, const CbamNode *node)
{
  const gsize turn = variant->tile[2] * variant->tile[3] * CBAM_TEXEL_CHANNELS;

  return count_turns (variant, node) * turn * cbam_conv_padded_channels (variant, node);
}

static gsize
packed_size (const CbamOpVariant *variant, const CbamNode *node)
{
  return count_weights (variant, node) + cbam_conv_padded_channels (variant, node);
}

static void
pack (const CbamOpVariant *variant, const CbamNode *node, float *out)
{
  const gsize row = cbam_conv_padded_channels (variant, node), block = CBAM_TEXEL_CHANNELS * row;
  const CbamConvStrides strides = {
    .channel = 1,
    .group = CBAM_CONV_GROUP,
    .k = row,
    .block = block,
    .tap = cbam_conv_in_blocks (variant, node) * block,
  };

  cbam_conv_pack (variant, node, &strides, count_weights (variant, node), packed_size (variant, node), out);
}

const CbamPacking cbam_conv_tile_packing = { packed_size, pack };

/* ---- Choice ----------------------------------------------------------------------------------------------------- */

gboolean
cbam_conv_tile_fits (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 1 && !cbam_conv_params (node)->sigmoid;
}

gboolean
cbam_conv_tile_fits_sum (const CbamOpVariant *variant, const CbamNode *node)
{
  return node->n_inputs == 2 && !cbam_conv_params (node)->sigmoid && !cbam_conv_params (node)->shuffles;
}

gboolean
cbam_conv_tile_fits_shuffle (const CbamOpVariant *variant, const CbamNode *node)
{
  return cbam_conv_params (node)->shuffles && !cbam_conv_params (node)->sigmoid;
}

/* A GPU as the model below sees it: a unit has so many lanes of multiply-adds and hides behind each other what so many
 * workgroups wait for. */
#define UNIT_LANES 128
#define UNIT_GROUPS 4
#define USUAL_UNITS 40 /* where the device does not say how many it has */

/* Cycles of an invocation: what a turn costs besides its multiply-adds, what it takes at least where nothing hides its
 * loads, and an instruction of a subgroup where a unit has a quarter of the lanes for it. */
#define TURN_OVERHEAD 50
#define TURN_LATENCY 600
#define ISSUE 2

/* Mesa's shared memory on a CPU is read lane by lane; there this stands for what the kernels for it call a cycle. */
#define CPU_CYCLES 2.5

/* Cycles of the unit that has most to do: workgroups of one, side by side as far as they are, each turn at least as
 * long as its loads. More tiles than units, and more invocations where there are fewer, come out cheaper. */
double
cbam_conv_tile_cost (const CbamOpVariant *variant, const CbamNode *node, const CbamDeviceCaps *caps)
{
  const CbamConvParams *p = cbam_conv_params (node);
  const guint *tile = variant->tile;
  const gsize padded = cbam_conv_padded_channels (variant, node);
  const double across = (p->width * p->height + tile[1] - 1) / tile[1], down = (double) padded / tile[0];
  const double groups = across * down * node->outputs[0]->batch, turns = count_turns (variant, node);
  const guint at_once = variant->needs & CBAM_NEED_HALF ? 2 : 1;
  const double products = (double) cbam_conv_tile_sums (variant) * CBAM_TEXEL_CHANNELS * tile[3] / at_once;

  if (caps->is_cpu)
    return groups * turns * products * threads_of (variant) * CPU_CYCLES;

  const double units = caps->units > 0 ? caps->units : USUAL_UNITS;
  const double busiest = ceil (groups / units);
  const double busy = busiest * turns * threads_of (variant) * (products + TURN_OVERHEAD) / UNIT_LANES;
  const double waiting = ceil (busiest / UNIT_GROUPS) * turns * MAX (TURN_LATENCY, ISSUE * (products + TURN_OVERHEAD));

  return MAX (busy, waiting) + TURN_LATENCY * tile[2];
}

void
cbam_conv_tile_dispatch (const CbamOpVariant *variant, const CbamNode *node, CbamDispatch *ret_dispatch)
{
  CbamConvArgs *args = (CbamConvArgs *) ret_dispatch->args;

  cbam_conv_fill_args (node, variant->tile[1], threads_of (variant), ret_dispatch);
  args->in_blocks = cbam_conv_in_blocks (variant, node);
  args->bundle = cbam_conv_bundle (variant, node);
  args->bias = (guint) (count_weights (variant, node) / CBAM_TEXEL_CHANNELS);
  ret_dispatch->groups[1] = (guint) cbam_conv_padded_channels (variant, node) / variant->tile[0];
}
