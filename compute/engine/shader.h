/* What a compiled shader asks of a device, read from its own code; and whether a device has it. Nobody writes down a
 * second time what a shader declares.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/caps.h"

/* A compiled shader. */
typedef struct
{
  const char *name;
  const guint32 *code; /* SPIR-V */
  gsize size;          /* bytes */
} CbamShader;

typedef struct
{
  guint storage_buffers; /* bindings of that kind */
  guint storage_texels;
  guint invocations; /* of a workgroup */
  guint shared;      /* bytes of memory that a workgroup shares */
  guint int_bits;    /* of its widest integers */
  gboolean shuffles; /* between the lanes of a subgroup */
  gboolean halves;   /* its buffers hold numbers of 16 bits */
  guint bindings;    /* the last one's number and 1 */
  guint32 texels;    /* a bit for each binding that is a storage texel buffer */
} CbamShaderNeeds;

CbamShaderNeeds cbam_shader_get_needs (const CbamShader *shader);

/* What a device has too little of. */
typedef struct
{
  const char *what; /* "storage buffers" */
  guint64 needed, there;
} CbamShortage;

/* FALSE: the device cannot run the shader with @push bytes of push constants, and *@ret_shortage says why. */
gboolean cbam_shader_fits (const CbamShader *shader, guint push, const CbamDeviceCaps *caps,
                           CbamShortage *ret_shortage);
