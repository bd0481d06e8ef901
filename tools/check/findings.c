/* Findings: what cbam-run --check found, in the order it looked; each is printed as a line, or all as one JSON object.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "findings.h"

#include "shared/json-text.h"

#include <cbamdetect/version.h>
#include <math.h>

#define MAX_EXACT 0x1p53 /* whole numbers up to this are doubles */

static const struct
{
  const char *word, *json;
} states[] = {
  [FINDING_OK] = { "ok", "ok" },
  [FINDING_NOTE] = { "note", "note" },
  [FINDING_FAIL] = { "FAIL", "fail" },
};

typedef struct
{
  FindingState state;
  char *part, *text, *advice;
  GString *details; /* members of a JSON object */
} Finding;

struct _Findings
{
  FILE *live;
  GPtrArray *list; /* Finding */
};

static void
finding_free (Finding *finding)
{
  g_free (finding->part);
  g_free (finding->text);
  g_free (finding->advice);
  g_string_free (finding->details, TRUE);
  g_free (finding);
}

Findings *
findings_new (FILE *live)
{
  Findings *findings = g_new0 (Findings, 1);
  findings->live = live;
  findings->list = g_ptr_array_new_with_free_func ((GDestroyNotify) finding_free);
  return findings;
}

void
findings_free (Findings *findings)
{
  if (findings == NULL)
    return;
  g_ptr_array_unref (findings->list);
  g_free (findings);
}

static void
print_line (const Finding *finding, FILE *out)
{
  fprintf (out, "%-4s  %-9s  %s\n", states[finding->state].word, finding->part, finding->text);
  if (finding->advice != NULL)
    fprintf (out, "      -> %s\n", finding->advice);
  fflush (out);
}

void
findings_add (Findings *findings, FindingState state, const char *part, const char *advice, const char *format, ...)
{
  Finding *finding = g_new0 (Finding, 1);
  va_list arguments;
  finding->state = state;
  finding->part = g_strdup (part);
  finding->advice = g_strdup (advice);
  finding->details = g_string_new (NULL);
  va_start (arguments, format);
  finding->text = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_ptr_array_add (findings->list, finding);
  if (findings->live != NULL)
    print_line (finding, findings->live);
}

/* Begins a member of the last finding's details; its value is to be appended. */
static GString *
add_member (Findings *findings, const char *name)
{
  Finding *last = g_ptr_array_index (findings->list, findings->list->len - 1);
  if (last->details->len > 0)
    g_string_append (last->details, ", ");
  json_append_string (last->details, name);
  g_string_append (last->details, ": ");
  return last->details;
}

void
findings_detail (Findings *findings, const char *name, const char *value)
{
  json_append_string (add_member (findings, name), value);
}

void
findings_detail_number (Findings *findings, const char *name, double value)
{
  GString *out = add_member (findings, name);
  if (value == floor (value) && fabs (value) < MAX_EXACT)
    g_string_append_printf (out, "%.0f", value);
  else
    json_append_double (out, value);
}

static guint
count (const Findings *findings, FindingState state)
{
  guint n = 0;
  for (guint i = 0; i < findings->list->len; i++)
    n += ((const Finding *) g_ptr_array_index (findings->list, i))->state == state;
  return n;
}

gboolean
findings_are_good (const Findings *findings)
{
  return count (findings, FINDING_FAIL) == 0;
}

static char *
summarise (const Findings *findings)
{
  const guint wrong = count (findings, FINDING_FAIL);
  if (wrong == 0)
    return g_strdup ("everything that detection needs is in place");
  return g_strdup_printf ("%u thing%s wrong; what to do is said below each", wrong, wrong == 1 ? " is" : "s are");
}

void
findings_print_summary (const Findings *findings, FILE *out)
{
  g_autofree char *summary = summarise (findings);
  fprintf (out, "%s\n", summary);
}

void
findings_print_json (const Findings *findings, FILE *out)
{
  g_autoptr (GString) text = g_string_new ("{\"ok\": ");
  g_autofree char *summary = summarise (findings);
  g_string_append (text, findings_are_good (findings) ? "true" : "false");
  g_string_append (text, ", \"version\": ");
  json_append_string (text, CBAM_VERSION);
  g_string_append (text, ", \"findings\": [");
  for (guint i = 0; i < findings->list->len; i++) {
    const Finding *finding = g_ptr_array_index (findings->list, i);
    g_string_append (text, i > 0 ? ", {\"state\": " : "{\"state\": ");
    json_append_string (text, states[finding->state].json);
    g_string_append (text, ", \"part\": ");
    json_append_string (text, finding->part);
    g_string_append (text, ", \"text\": ");
    json_append_string (text, finding->text);
    g_string_append (text, ", \"advice\": ");
    json_append_string (text, finding->advice);
    g_string_append_printf (text, ", \"details\": {%s}}", finding->details->str);
  }
  g_string_append (text, "], \"summary\": ");
  json_append_string (text, summary);
  g_string_append (text, "}\n");
  fputs (text->str, out);
}
