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

static GString *
last_details (Findings *findings)
{
  return ((Finding *) g_ptr_array_index (findings->list, findings->list->len - 1))->details;
}

void
findings_detail (Findings *findings, const char *name, const char *value)
{
  json_add_string (last_details (findings), name, value);
}

void
findings_detail_number (Findings *findings, const char *name, double value)
{
  if (value >= 0 && value < MAX_EXACT && value == floor (value))
    json_add_count (last_details (findings), name, (guint64) value);
  else
    json_add_double (last_details (findings), name, value);
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
  g_autoptr (GString) text = g_string_new ("{");
  g_autofree char *summary = summarise (findings);
  json_append_key (text, "ok");
  g_string_append (text, findings_are_good (findings) ? "true" : "false");
  json_add_string (text, "version", CBAM_VERSION);
  json_open (text, "findings", '[');
  for (guint i = 0; i < findings->list->len; i++) {
    const Finding *finding = g_ptr_array_index (findings->list, i);
    json_open (text, NULL, '{');
    json_add_string (text, "state", states[finding->state].json);
    json_add_string (text, "part", finding->part);
    json_add_string (text, "text", finding->text);
    json_add_string (text, "advice", finding->advice);
    json_append_key (text, "details");
    g_string_append_printf (text, "{%s}}", finding->details->str);
  }
  g_string_append_c (text, ']');
  json_add_string (text, "summary", summary);
  fprintf (out, "%s}\n", text->str);
}
