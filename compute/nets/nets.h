/* Recipes: what a network is. A recipe adds nodes to a graph, reading top to bottom like its paper's table.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/graph.h"
#include "nets/levels.h"
#include "nets/spec.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/attend.h"
#include "ops/batch_norm.h"
#include "ops/channel_pool.h"
#include "ops/concat.h"
#include "ops/conv.h"
#include "ops/deconv.h"
#include "ops/detect.h"
#include "ops/global_pool.h"
#include "ops/l2_norm.h"
#include "ops/max_pool.h"
#include "ops/multiply.h"
#include "ops/preprocess.h"
#include "ops/resample.h"
#include "ops/resize.h"
#include "ops/shuffle.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"
#include "ops/turn.h"

/* What recipes hand on to each other. */
typedef struct
{
  CbamGraph *graph;
  CbamLevels *levels;
  const CbamSpec *spec;
  GHashTable *layers; /* key prefix of a convolution -> its activated output */
  guint n_sources;
  CbamValue *sources[CBAM_MAX_LEVELS]; /* fine to coarse: what the neck looks at */
} CbamNet;

/* A trunk with the extra layers that go with it: fills @net->layers. */
struct _CbamBackbone
{
  const char *name;
  void (*build) (CbamNet *net, CbamValue *input);
  /* The usual sources, fine to coarse; as many as the usual levels. */
  const char *const *sources;
  const char *end; /* what a classifier looks at; NULL = it has none */
  guint hidden;    /* channels of a layer between that and a classifier's last one, at width 1; 0 = there is none */
  CbamActivation hidden_activation;
  gboolean attends;    /* its blocks can have attention in them */
  gboolean has_stages; /* between which there can be attention */
};

#define CBAM_BACKBONE(file, name) extern const CbamBackbone cbam_backbone_##name;
#include "nets/backbones.h"
#undef CBAM_BACKBONE

/* All of them; NULL-terminated. */
extern const CbamBackbone *const cbam_backbones[];

/* What lies between the sources and the head: makes the features of every level. Its name is the detector's. */
struct _CbamNeck
{
  const char *name;
  void (*build) (CbamNet *net);
  gboolean seeds; /* may have coarser sources than levels, which only seed the others */
};

extern const CbamNeck cbam_neck_ssd;
extern const CbamNeck cbam_neck_stairnet;

/* All of them; NULL-terminated. */
extern const CbamNeck *const cbam_necks[];

/* What reads the features of every level and makes the network's results of them. */
struct _CbamHead
{
  const char *name;
  void (*build) (CbamNet *net);
  CbamTask task;
};

extern const CbamHead cbam_head_ssd;
extern const CbamHead cbam_head_classifier;

/* All of them; NULL-terminated. */
extern const CbamHead *const cbam_heads[];

/* What an attention module multiplied with; nothing where it has no weight for a channel or for a place. */
typedef struct
{
  CbamGate channel, spatial;
} CbamGates;

/* An attention module: a map of the same shape, with what matters in it brought out. Its tensors are called @prefix.*.
 */
struct _CbamAttentionModule
{
  const char *name; /* as in the model file */
  CbamValue *(*build) (CbamNet *net, const char *prefix, CbamValue *x, CbamGates *ret_gates);
};

extern const CbamAttentionModule cbam_attention_se;
extern const CbamAttentionModule cbam_attention_cbam;
extern const CbamAttentionModule cbam_attention_bam;
extern const CbamAttentionModule cbam_attention_eca;
extern const CbamAttentionModule cbam_attention_self;

/* All of them; NULL-terminated. */
extern const CbamAttentionModule *const cbam_attentions[];

/* The spec's module, where it is wanted on levels: right before the head, as in the CBAM paper's detection experiments,
 * so that all of a level's outputs see the same. Gates are kept. */
void cbam_net_attend_on_levels (CbamNet *net);

/* The spec's module inside a block of a backbone, whose output is @x; @x itself where it is not wanted there. What
 * comes of it is @layer in @net->layers from now on: who takes the block as a source gets what leaves its attention.
 * Its gates are @ret_gates' (none where there is no module; may be NULL). */
CbamValue *cbam_net_attend_in_block (CbamNet *net, const char *prefix, const char *layer, CbamValue *x,
                                     CbamGates *ret_gates);
gboolean cbam_net_attends_in_blocks (const CbamNet *net);

/* The same behind stage number @stage of a backbone, as BAM's authors have it: its tensors are called bam1.* and so on.
 *
 * A classifier's levels are those that these two have modules with gates on: of each size of map the last one. */
CbamValue *cbam_net_attend_behind_stage (CbamNet *net, guint stage, CbamValue *x);
gboolean cbam_net_attends_between_stages (const CbamNet *net);

/* Two fully connected layers, over each pixel of @pooled alone: @first, the batch norm @norm if there is one, ReLU,
 * @second. Between them are as many channels as @first has rows, or a sixteenth of the input's where the source does
 * not say. */
CbamValue *cbam_net_mlp (CbamNet *net, CbamValue *pooled, const char *first, const char *norm, const char *second);

/* The channel gate of SE and CBAM: sigmoid of the sum of what the two layers make of each of @pools (CbamReduction). */
CbamValue *cbam_net_channel_gate (CbamNet *net, const char *prefix, CbamValue *x, guint pools, const char *first,
                                  const char *second);

/* convolution -> batch norm (where the source has @norm). */
CbamValue *cbam_net_linear_conv (CbamNet *net, const char *norm, const CbamConvForm *form);

/* convolution -> batch norm (where the source has @norm) -> activation of the spec; listed in @net->layers. */
CbamValue *cbam_net_conv (CbamNet *net, const char *norm, const CbamConvForm *form);

/* Whether the spec pads as the backbone does that can do nothing else; if not, the graph has the error. */
gboolean cbam_net_pads_symmetrically (CbamNet *net);

/* Channels after the spec's width multiplier (MobileNet's: truncated, at least 8). */
guint cbam_net_channels (const CbamNet *net, guint channels);

/* The same of networks of inverted residuals: to the nearest multiple of 8 that is not a tenth less. */
guint cbam_net_round_channels (const CbamNet *net, double channels);

/* To the nearest multiple of @divisor that is not a tenth less, whatever the width multiplier. */
guint cbam_net_round (double channels, guint divisor);

/* Squeeze-and-excitation as MobileNetV3 has it (Howard et al. 2019, arXiv 1905.02244, section 5.3): @x times a hard
 * sigmoid of what two convolutions make of its mean. They are called @place.@first and @place.@second; between them are
 * as many channels as the source says, else a quarter of @x's to a multiple of @divisor. */
CbamValue *cbam_net_squeeze (CbamNet *net, const char *place, const char *first, const char *second, guint divisor,
                             CbamValue *x);

/* Extra number @e of such a network: an inverted residual with stride 2, as in SSDLite (Sandler et al. 2018, arXiv
 * 1801.04381, section 6.2), of which there are at most so many. */
#define CBAM_INVERTED_EXTRAS 4
CbamValue *cbam_net_inverted_extra (CbamNet *net, guint e, CbamValue *x);

/* Extras of a backbone with @n_trunk usual sources in its trunk and @most extras: as many as the levels need. */
guint cbam_net_count_extras (const CbamNet *net, guint n_trunk, guint most);

/* Dimension @i of NAME.weight in the source, or @usual where the source does not say. */
guint cbam_net_dim (const CbamNet *net, const char *name, guint i, guint usual);

/* The whole network of @spec, of so many images at once: preprocess, backbone, neck, attention, heads, detection tail.
 * The graph carries any error. */
CbamGraph *cbam_net_build (const CbamSpec *spec, CbamParamSource *source, guint batch);
