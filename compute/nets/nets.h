/* Recipes: what a network is. A recipe adds nodes to a graph, reading top to bottom like its paper's table.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "graph/graph.h"

G_BEGIN_DECLS

/* What recipes hand on to each other. */
typedef struct
{
  CbamGraph *graph;
  const CbamSpec *spec;
  GHashTable *layers;                   /* key prefix of a convolution -> its activated output */
  CbamTensor *sources[CBAM_MAX_LEVELS]; /* fine to coarse: what the heads, or the neck, look at */
} CbamNet;

/* A trunk with the extra layers that go with it: fills @net->layers. */
typedef struct
{
  const char *name;
  CbamBackboneKind kind;
  void (*build) (CbamNet *net, CbamTensor *input);
  /* The usual sources, fine to coarse; as many as the usual levels. */
  const char *const *sources;
} CbamBackbone;

extern const CbamBackbone cbam_backbone_vgg16;
extern const CbamBackbone cbam_backbone_mobilenet_v1;

/* All of them; NULL-terminated. */
extern const CbamBackbone *const cbam_backbones[];

/* convolution -> batch norm (where the source has @norm) -> activation of the spec; listed in @net->layers. */
CbamTensor *cbam_net_conv (CbamNet *net, const char *norm, const CbamConvForm *form);

/* Channels after the spec's width multiplier (MobileNet's: truncated, at least 8). */
guint cbam_net_channels (const CbamNet *net, guint channels);

/* The whole network of @spec: preprocess, backbone, neck, attention, heads, detection tail. The graph carries any
 * error. */
CbamGraph *cbam_net_build (const CbamSpec *spec, CbamParamSource *source);

G_END_DECLS
