/* Findings: what cbam-run --check found, in the order it looked; each is printed as a line, or all as one JSON object.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <stdio.h>

G_BEGIN_DECLS

typedef enum
{
  FINDING_OK,
  FINDING_NOTE, /* worth knowing; nothing that detection needs is missing */
  FINDING_FAIL,
} FindingState;

typedef struct _Findings Findings;

/* With @live every finding is printed there as a line as soon as it is added. */
Findings *findings_new (FILE *live);
void findings_free (Findings *findings);

/* One finding about @part (a word). @advice, which may be %NULL, says what to do about it. */
void findings_add (Findings *findings, FindingState state, const char *part, const char *advice, const char *format,
                   ...) G_GNUC_PRINTF (5, 6);

/* What programs may want to know of the finding that was added last: members of "details" in the JSON object. */
void findings_detail (Findings *findings, const char *name, const char *value);
void findings_detail_number (Findings *findings, const char *name, double value);

gboolean findings_are_good (const Findings *findings);

/* The closing line of the table. */
void findings_print_summary (const Findings *findings, FILE *out);
/* {"ok", "version", "findings": [{"state", "part", "text", "advice", "details"}], "summary"} */
void findings_print_json (const Findings *findings, FILE *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Findings, findings_free)

G_END_DECLS
