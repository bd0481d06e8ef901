/* A reader of machine code in two steps: lines to instructions, of which only what is counted is kept; then loops,
 * which are branches backwards.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disassembly.h"

#include <stdio.h>
#include <string.h>

typedef struct
{
  CodeCount count; /* of it alone */
  guint wait;      /* NO_WAIT, or how many loads may still be under way when it goes on */
  char *target;    /* of a branch */
} Instruction;

#define NO_WAIT G_MAXUINT

typedef struct
{
  GArray *instructions;
  GHashTable *labels; /* name -> place of the next instruction */
} Listing;

/* A loop: places of its first and last instruction. */
typedef struct
{
  guint first, last;
} Loop;

static const char *const slow_names[] = {
  "v_mul_lo_", "v_mul_hi_", "v_mad_u64", "v_rcp_", "v_rsq_", "v_sqrt_", "v_exp_", "v_log_", "v_sin_", "v_cos_",
};

static const struct
{
  const char *begin;
  guint multiply_adds;
} products[] = {
  { "v_fmac_f32", 1 },   { "v_mac_f32", 1 },    { "v_fma_f32", 1 },      { "v_mad_f32", 1 },       { "v_mul_f32", 1 },
  { "v_fma_mix", 1 },    { "v_mad_mix", 1 },    { "v_fmac_f16", 1 },     { "v_fma_f16", 1 },       { "v_mul_f16", 1 },
  { "v_pk_fma_f16", 2 }, { "v_pk_mul_f16", 2 }, { "v_dual_mul_f32", 1 }, { "v_dual_fmac_f32", 1 }, { "v_dot2", 2 },
};

/* ---- Instructions ----------------------------------------------------------------------------------------------- */

/* Vector or scalar, not a constant: v7, -v7, |s4|, v[4:5]. */
static gboolean
is_register (const char *operand)
{
  operand += strspn (operand, " -|");
  return (*operand == 'v' || *operand == 's') && (g_ascii_isdigit (operand[1]) || operand[1] == '[');
}

/* Those of the divisions that addresses take, by constants, are not what a kernel is for. */
static guint
count_products (const char *name, const char *operands)
{
  g_auto (GStrv) parts = g_strsplit (operands, ",", 4);

  for (guint i = 0; i < G_N_ELEMENTS (products); i++)
    if (g_str_has_prefix (name, products[i].begin))
      return g_strv_length (parts) >= 3 && is_register (parts[1]) && is_register (parts[2]) ? products[i].multiply_adds
                                                                                            : 0;
  return 0;
}

/* @half: an instruction, or one of the two that RDNA 3 issues as one. */
static guint
count_products_of_half (const char *half)
{
  const gsize length = strcspn (half += strspn (half, " \t"), " \t");
  g_autofree char *name = g_strndup (half, length);

  return count_products (name, half + length);
}

static gboolean
is_slow (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (slow_names); i++)
    if (g_str_has_prefix (name, slow_names[i]))
      return TRUE;
  return FALSE;
}

/* Bytes of a lane, by the name's end: ds_read2st64_b32 moves two of four. */
static guint
lds_bytes (const char *name)
{
  const char *bits = strstr (name, "_b");
  const guint times = strstr (name, "read2") || strstr (name, "write2") || strstr (name, "_2addr") ? 2 : 1;

  return bits != NULL ? times * (guint) g_ascii_strtoull (bits + strlen ("_b"), NULL, 10) / 8 : 4;
}

static void
read_vector (const char *name, const char *text, Instruction *instruction)
{
  g_auto (GStrv) halves = g_strsplit (text, " :: ", 2);

  instruction->count.vector = 1;
  instruction->count.slow = is_slow (name);
  for (guint i = 0; halves[i] != NULL; i++)
    instruction->count.multiply_adds += count_products_of_half (halves[i]);
}

/* @text: without what stands behind the semicolon. */
static Instruction
read_instruction (const char *name, const char *text)
{
  Instruction instruction = { .wait = NO_WAIT };

  if (g_str_has_prefix (name, "v_")) {
    read_vector (name, text, &instruction);
  } else if (g_str_has_prefix (name, "ds_read") || g_str_has_prefix (name, "ds_load")) {
    instruction.count.lds_reads = 1;
    instruction.count.lds_bytes = lds_bytes (name);
  } else if (g_str_has_prefix (name, "ds_write") || g_str_has_prefix (name, "ds_store")) {
    instruction.count.lds_bytes = lds_bytes (name);
  } else if (g_str_has_prefix (name, "buffer_load") || g_str_has_prefix (name, "global_load")) {
    instruction.count.loads = 1;
  } else if (g_str_equal (name, "s_waitcnt")) {
    const char *loads = strstr (text, "vmcnt(");

    if (loads != NULL)
      instruction.wait = (guint) g_ascii_strtoull (loads + strlen ("vmcnt("), NULL, 10);
  } else if (g_str_equal (name, "s_branch") || g_str_has_prefix (name, "s_cbranch_")) {
    instruction.target = g_strstrip (g_strdup (text + strlen (name)));
  }
  return instruction;
}

static void
clear_instruction (gpointer instruction)
{
  g_free (((Instruction *) instruction)->target);
}

/* "(then repeated 3 times)": of the instruction before. */
static gboolean
read_repetition (Listing *listing, const char *line)
{
  guint times;

  if (sscanf (line, "(then repeated %u times)", &times) != 1 || listing->instructions->len == 0)
    return FALSE;
  for (guint i = 0; i < times; i++) {
    Instruction again = g_array_index (listing->instructions, Instruction, listing->instructions->len - 1);

    again.target = g_strdup (again.target);
    g_array_append_val (listing->instructions, again);
  }
  return TRUE;
}

static gboolean
read_line (Listing *listing, char *line, GError **error)
{
  line[strcspn (line, ";")] = '\0';
  g_strstrip (line);
  if (line[0] == '\0' || read_repetition (listing, line))
    return TRUE;
  if (g_str_has_suffix (line, ":")) {
    g_hash_table_insert (listing->labels, g_strndup (line, strlen (line) - 1),
                         GUINT_TO_POINTER (listing->instructions->len));
    return TRUE;
  }
  g_autofree char *name = g_strndup (line, strcspn (line, " \t"));
  if (!g_ascii_islower (name[0]) || strchr (name, '_') == NULL) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                 "machine code: expected a label or an instruction, found \"%s\"", line);
    return FALSE;
  }
  const Instruction instruction = read_instruction (name, line);
  g_array_append_val (listing->instructions, instruction);
  return TRUE;
}

static gboolean
read_lines (Listing *listing, const char *text, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (!read_line (listing, lines[i], error))
      return FALSE;
  if (listing->instructions->len > 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "machine code: expected instructions, found none");
  return FALSE;
}

/* ---- Loops ------------------------------------------------------------------------------------------------------ */

static const Instruction *
get_instruction (const Listing *listing, guint i)
{
  return &g_array_index (listing->instructions, Instruction, i);
}

static CodeCount
count_stretch (const Listing *listing, guint first, guint last)
{
  CodeCount sum = { 0 };

  for (guint i = first; i <= last; i++) {
    const CodeCount *count = &get_instruction (listing, i)->count;

    sum.vector += count->vector;
    sum.slow += count->slow;
    sum.multiply_adds += count->multiply_adds;
    sum.lds_reads += count->lds_reads;
    sum.lds_bytes += count->lds_bytes;
    sum.loads += count->loads;
  }
  return sum;
}

/* Every branch backwards, but of several to one place only the last. */
static gboolean
find_loops (const Listing *listing, GArray *loops, GError **error)
{
  for (guint i = 0; i < listing->instructions->len; i++) {
    const char *target = get_instruction (listing, i)->target;
    gpointer place;

    if (target == NULL)
      continue;
    if (!g_hash_table_lookup_extended (listing->labels, target, NULL, &place)) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "machine code: expected a label %s, found none", target);
      return FALSE;
    }
    const Loop loop = { GPOINTER_TO_UINT (place), i };
    if (loop.first > i)
      continue;
    for (guint l = loops->len; l > 0; l--)
      if (g_array_index (loops, Loop, l - 1).first == loop.first)
        g_array_remove_index (loops, l - 1);
    g_array_append_val (loops, loop);
  }
  return TRUE;
}

static gboolean
is_innermost (const GArray *loops, const Loop *loop)
{
  for (guint l = 0; l < loops->len; l++) {
    const Loop *other = &g_array_index (loops, Loop, l);

    if (other->first > loop->first && other->last <= loop->last)
      return FALSE;
  }
  return TRUE;
}

/* Walks on from the load at @place, around the loop if need be. A wait for at most n loads under way is one for it when
 * n or more were begun after it. */
static gboolean
is_fetched_ahead (const Listing *listing, const Loop *loop, guint place)
{
  guint later = 0;

  for (guint step = 1; step <= loop->last - loop->first; step++) {
    const guint at = loop->first + (place - loop->first + step) % (loop->last - loop->first + 1);
    const Instruction *instruction = get_instruction (listing, at);

    if (instruction->count.multiply_adds > 0)
      return TRUE;
    if (instruction->wait != NO_WAIT && instruction->wait <= later)
      return FALSE;
    later += instruction->count.loads;
  }
  return FALSE;
}

static gboolean
fetches_ahead (const Listing *listing, const Loop *loop)
{
  guint loads = 0;

  for (guint i = loop->first; i <= loop->last; i++) {
    if (get_instruction (listing, i)->count.loads == 0)
      continue;
    loads++;
    if (!is_fetched_ahead (listing, loop, i))
      return FALSE;
  }
  return loads > 0;
}

gboolean
code_read (const char *text, Code *ret_code, GError **error)
{
  g_autoptr (GArray) instructions = g_array_new (FALSE, FALSE, sizeof (Instruction));
  g_autoptr (GHashTable) labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) loops = g_array_new (FALSE, FALSE, sizeof (Loop));
  Listing listing = { instructions, labels };

  g_array_set_clear_func (instructions, clear_instruction);
  if (!read_lines (&listing, text, error) || !find_loops (&listing, loops, error))
    return FALSE;
  *ret_code = (Code){ .whole = count_stretch (&listing, 0, instructions->len - 1) };
  for (guint l = 0; l < loops->len; l++) {
    const Loop *loop = &g_array_index (loops, Loop, l);
    const CodeCount count = count_stretch (&listing, loop->first, loop->last);

    if (count.multiply_adds <= ret_code->body.multiply_adds || !is_innermost (loops, loop))
      continue;
    ret_code->body = count;
    ret_code->loads_first = fetches_ahead (&listing, loop);
  }
  return TRUE;
}

double
code_get_share (const Code *code)
{
  return code->body.vector > 0 ? (double) code->body.multiply_adds / code->body.vector : 0;
}

double
code_get_lds_reads_per_multiply_add (const Code *code)
{
  return code->body.multiply_adds > 0 ? (double) code->body.lds_reads / code->body.multiply_adds : 0;
}
