/* What a compiled shader asks of a device: a reader of the little of SPIR-V (Khronos, version 1.6, section 3) that says
 * so. The shaders are our own and come from the build, so nothing is checked that their compiler cannot get wrong.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/shader.h"

#define HEADER_WORDS 5
#define BOUND_WORD 3

enum /* instructions */
{
  OP_EXECUTION_MODE = 16,
  OP_CAPABILITY = 17,
  OP_TYPE_BOOL = 20,
  OP_TYPE_INT = 21,
  OP_TYPE_FLOAT = 22,
  OP_TYPE_VECTOR = 23,
  OP_TYPE_ARRAY = 28,
  OP_TYPE_STRUCT = 30,
  OP_TYPE_POINTER = 32,
  OP_CONSTANT = 43,
  OP_FUNCTION = 54,
  OP_VARIABLE = 59,
  OP_DECORATE = 71,
};

enum /* what they name */
{
  MODE_LOCAL_SIZE = 17,
  DECORATION_BINDING = 33,
  CAPABILITY_SHUFFLE = 65,
  CAPABILITY_STORAGE_16 = 4433,
  CLASS_UNIFORM_CONSTANT = 0,
  CLASS_WORKGROUP = 4,
  CLASS_STORAGE_BUFFER = 12,
};

/* By id: of a type its bytes, of a pointer to one those of what it points to, of a constant its value, of a variable
 * that is bound its binding; what decorates an id stands before what makes it. */
typedef struct
{
  guint32 *values;
  CbamShaderNeeds needs;
} Reader;

static void
read_variable (Reader *reader, guint32 pointer, guint32 variable, guint32 storage_class)
{
  switch (storage_class) {
    case CLASS_STORAGE_BUFFER: reader->needs.storage_buffers++; break;
    case CLASS_UNIFORM_CONSTANT: /* the only images that there are */
      reader->needs.storage_texels++;
      reader->needs.texels |= 1u << reader->values[variable];
      break;
    case CLASS_WORKGROUP: reader->needs.shared += reader->values[pointer]; break;
    default: break;
  }
}

/* @code: an instruction of @n words. */
static void
read_instruction (Reader *reader, const guint32 *code, guint n)
{
  guint32 *values = reader->values;

  switch (code[0] & 0xffff) {
    case OP_CAPABILITY:
      reader->needs.shuffles |= code[1] == CAPABILITY_SHUFFLE;
      reader->needs.halves |= code[1] == CAPABILITY_STORAGE_16;
      break;
    case OP_EXECUTION_MODE:
      if (code[2] == MODE_LOCAL_SIZE)
        reader->needs.invocations = code[3] * code[4] * code[5];
      break;
    case OP_TYPE_BOOL: values[code[1]] = 4; break;
    case OP_TYPE_INT:
      values[code[1]] = code[2] / 8;
      reader->needs.int_bits = MAX (reader->needs.int_bits, code[2]);
      break;
    case OP_TYPE_FLOAT: values[code[1]] = code[2] / 8; break;
    case OP_TYPE_VECTOR: values[code[1]] = values[code[2]] * code[3]; break;
    case OP_TYPE_ARRAY: values[code[1]] = values[code[2]] * values[code[3]]; break;
    case OP_TYPE_STRUCT:
      for (guint i = 2; i < n; i++)
        values[code[1]] += values[code[i]];
      break;
    case OP_TYPE_POINTER: values[code[1]] = values[code[3]]; break;
    case OP_CONSTANT: values[code[2]] = code[3]; break;
    case OP_VARIABLE: read_variable (reader, code[1], code[2], code[3]); break;
    case OP_DECORATE:
      if (code[2] != DECORATION_BINDING)
        break;
      values[code[1]] = code[3];
      reader->needs.bindings = MAX (reader->needs.bindings, code[3] + 1);
      break;
    default: break;
  }
}

CbamShaderNeeds
cbam_shader_get_needs (const CbamShader *shader)
{
  const guint32 *code = shader->code, *end = code + shader->size / sizeof *code;
  g_autofree guint32 *values = g_new0 (guint32, code[BOUND_WORD]);
  Reader reader = { values, { 0 } };

  for (code += HEADER_WORDS; code < end && (code[0] & 0xffff) != OP_FUNCTION; code += code[0] >> 16)
    read_instruction (&reader, code, code[0] >> 16);
  return reader.needs;
}

gboolean
cbam_shader_fits (const CbamShader *shader, guint push, const CbamDeviceCaps *caps, CbamShortage *ret_shortage)
{
  const CbamShaderNeeds needs = cbam_shader_get_needs (shader);
  const CbamShortage rows[] = {
    { "storage buffers", needs.storage_buffers, caps->max_storage_buffers },
    { "storage texel buffers", needs.storage_texels, caps->max_storage_texels },
    { "bindings", needs.storage_buffers + needs.storage_texels, caps->max_bindings },
    { "invocations in a workgroup", needs.invocations, caps->max_invocations },
    { "bytes of shared memory", needs.shared, caps->max_shared },
    { "bytes of push constants", push, caps->max_push },
    { "bits an integer", needs.int_bits, caps->int64 ? 64 : 32 },
    { "lanes that shuffle", needs.shuffles ? 1 : 0, caps->subgroup_size },
    { "kinds of 16-bit floats in buffers", needs.halves ? 1 : 0, caps->has_fp16 ? 1 : 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].needed <= rows[i].there)
      continue;
    *ret_shortage = rows[i];
    return FALSE;
  }
  return TRUE;
}
