/* What cbam-run --describe prints: a network, layer by layer, or as a device runs it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/describe.h>
#include <cbamdetect/profile.h>
#include <stdio.h>

G_BEGIN_DECLS

/* A table with totals. */
void describe_table (FILE *out, const CbamDescription *description);

/* One line: {"name", "parameters", "macs", "layers": [{"name", "kind", "shape", "parameters", "macs", "bytes"}]}. */
void describe_json (FILE *out, const CbamDescription *description);

/* The same of what runs: a table with totals; one line {"name", "kernels", "precision", "macs", "bytes",
 * "barriers", "dispatches": [{"name", "kind", "kernel", "shape", "macs", "bytes", "barrier"}]}. */
void describe_fused_table (FILE *out, const CbamModel *model);
void describe_fused_json (FILE *out, const CbamModel *model);

G_END_DECLS
