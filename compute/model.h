/* The inside of a CbamModel, for the rest of the library.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/profile.h>

#include "file/safetensors.h"
#include "info.h"
#include "nets/levels.h"
#include "nets/spec.h"
#include "run/run.h"
#include "vk/device.h"

#define CBAM_MAX_BATCH 64

struct _CbamModel
{
  gint refs; /* atomic; see refs.h */
  char *key; /* in the table of loaded models; NULL when it never comes there */
  CbamDevice *device;
  CbamSpec *spec;
  CbamModelInfo *info;
  CbamProgram *program;
  double seconds; /* of the device for a frame, roughly; 0 = not known yet. Under the lock of the device's turns */
  gint warm;      /* atomic: the driver has compiled the kernels */
  CbamOpTime *op_times; /* by step of the plan; seconds are 0 */
};

/* A file's tensors as the weights of a graph; @file must outlive it. */
typedef struct
{
  CbamParamSource source;
  const CbamSafetensors *file;
} CbamFileSource;

CbamFileSource cbam_file_source (const CbamSafetensors *file);

/* The graph of a preset or, where none is so named, of a model file, as its recipe means it; @ret_spec is the caller's
 * to free, on failure too.
 */
CbamGraph *cbam_model_build_graph (const char *model, CbamSpec **ret_spec, GError **error);
