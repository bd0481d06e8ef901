/* Machine code of AMD's GPUs, as Mesa prints it, counted: what is in the whole of a kernel and what in one round of the
 * loop in which it multiplies and adds. The text has a label ("BB12:") or an instruction a line, with its words behind
 * a semicolon; AMD's "RDNA 2" and "Graphics Core Next 3" instruction set manuals say what the instructions are.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is in a stretch of code. */
typedef struct
{
  guint vector;        /* instructions of the vector unit */
  guint slow;          /* those of them that take four times as long: 32-bit integer products, 1/x, exp and such */
  guint multiply_adds; /* useful ones of a lane: products of two registers, of which the packed ones make two */
  guint lds_reads;     /* from the memory that a workgroup shares */
  guint lds_bytes;     /* of a lane, read and written there */
  guint loads;         /* from buffers */
} CodeCount;

typedef struct
{
  CodeCount whole;
  CodeCount body; /* of the innermost loop with most multiply-adds; all zero: no loop has any */
  /* Whether multiply-adds stand between each load of the body and the wait for it, the next round's included: it is
   * fetched ahead. */
  gboolean loads_first;
} Code;

/* FALSE with @error when @text is not such code. */
gboolean code_read (const char *text, Code *ret_code, GError **error);

/* Useful multiply-adds of a vector instruction of the body; 0 where it has none. */
double code_get_share (const Code *code);
double code_get_lds_reads_per_multiply_add (const Code *code);

G_END_DECLS
