/* What cbam-run --describe prints: a network, layer by layer.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/describe.h>
#include <stdio.h>

G_BEGIN_DECLS

/* A table with totals. */
void describe_table (FILE *out, const CbamDescription *description);

/* One line: {"name", "parameters", "macs", "layers": [{"name", "kind", "shape", "parameters", "macs", "bytes"}]}. */
void describe_json (FILE *out, const CbamDescription *description);

G_END_DECLS
