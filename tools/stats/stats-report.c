/* Prints kernels a line each, or all of them as JSON.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "stats-report.h"

#include <stdio.h>

#include "shared/json-text.h"
#include "shared/precision-name.h"

/* ---- Tables ----------------------------------------------------------------------------------------------------- */

/* Three columns about the loop of a convolution; empty for other kernels and for those without such a loop. */
static void
print_loop (const Kernel *kernel)
{
  const CodeCount *body = &kernel->code.body;

  if (kernel->convolves && body->multiply_adds > 0)
    printf (" %5u/%-5u %4.0f%% %7.3f  %-5s", body->multiply_adds, body->vector, 100 * code_get_share (&kernel->code),
            code_get_lds_reads_per_multiply_add (&kernel->code), kernel->code.loads_first ? "first" : "late");
}

static void
print_kernels (const FamilyReport *report)
{
  printf ("%-34s %5s %5s %9s %6s %6s %7s %6s  %s\n", "op, kernel", "VGPRs", "SGPRs", "subgroups", "LDS", "spills",
          "scratch", "code", "a round's multiply-adds, LDS reads of one, next loads");
  for (guint i = 0; i < report->kernels->len; i++) {
    const Kernel *kernel = &g_array_index (report->kernels, Kernel, i);
    const KernelStatistics *s = &kernel->statistics;
    g_autofree char *name = g_strdup_printf ("%s, %s", kernel->op, kernel->variant);

    printf ("%-34s %5u %5u %9u %6u %6u %7u %6u ", name, (guint) s->vgprs, (guint) s->sgprs, (guint) s->subgroups,
            (guint) s->lds, (guint) (s->spilled_vgprs + s->spilled_sgprs), (guint) s->scratch, (guint) s->code_size);
    print_loop (kernel);
    printf ("\n");
  }
}

static void
print_networks (const FamilyReport *report)
{
  printf ("%-28s %9s %9s %11s %9s %10s %11s  (a model, not a measurement)\n", "network", "precision", "bound, ms",
          "arithmetic", "memory", "dispatches", "launches, ms");
  for (guint i = 0; i < report->networks->len; i++) {
    const NetworkBound *bound = g_ptr_array_index (report->networks, i);

    printf ("%-28s %9s %9.3f %11.3f %9.3f %10u %12.3f\n", bound->network, precision_name (bound->precision),
            1e3 * bound->seconds, 1e3 * bound->arithmetic, 1e3 * bound->memory, bound->steps->len,
            1e3 * LAUNCH_SECONDS * bound->steps->len);
  }
}

void
stats_print_table (const FamilyReport *report)
{
  printf ("%s: %s, %s\n", report->family->name, report->device, report->driver);
  if (report->kernels != NULL)
    print_kernels (report);
  else
    print_networks (report);
  printf ("\n");
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void
add_count (GString *out, const char *key, const CodeCount *count)
{
  json_open (out, key, '{');
  json_add_count (out, "vector", count->vector);
  json_add_count (out, "multiply_adds", count->multiply_adds);
  json_add_count (out, "lds_reads", count->lds_reads);
  json_add_count (out, "loads", count->loads);
  g_string_append_c (out, '}');
}

static void
add_loop (GString *out, const Code *code)
{
  if (code->body.multiply_adds == 0)
    return;
  add_count (out, "loop", &code->body);
  json_add_double (out, "share", code_get_share (code));
  json_add_double (out, "lds_reads_per_multiply_add", code_get_lds_reads_per_multiply_add (code));
  json_append_key (out, "loads_first");
  g_string_append (out, code->loads_first ? "true" : "false");
}

static void
add_kernel (GString *out, const Kernel *kernel)
{
  const KernelStatistics *s = &kernel->statistics;

  json_open (out, NULL, '{');
  json_add_string (out, "op", kernel->op);
  json_add_string (out, "kernel", kernel->variant);
  json_add_string (out, "shader", kernel->shader);
  json_add_count (out, "sums", kernel->sums);
  json_add_count (out, "lanes", kernel->lanes);
  json_add_count (out, "vgprs", s->vgprs);
  json_add_count (out, "sgprs", s->sgprs);
  json_add_count (out, "subgroups", s->subgroups);
  json_add_count (out, "lds", s->lds);
  json_add_count (out, "spilled_vgprs", s->spilled_vgprs);
  json_add_count (out, "spilled_sgprs", s->spilled_sgprs);
  json_add_count (out, "scratch", s->scratch);
  json_add_count (out, "code_size", s->code_size);
  if (kernel->convolves)
    add_loop (out, &kernel->code);
  g_string_append_c (out, '}');
}

static void
add_network (GString *out, const NetworkBound *bound)
{
  json_open (out, NULL, '{');
  json_add_string (out, "network", bound->network);
  json_add_string (out, "what", "a model, not a measurement");
  json_add_string (out, "precision", precision_name (bound->precision));
  json_add_double (out, "bound_ms", 1e3 * bound->seconds);
  json_add_double (out, "arithmetic_ms", 1e3 * bound->arithmetic);
  json_add_double (out, "memory_ms", 1e3 * bound->memory);
  json_add_double (out, "launches_ms", 1e3 * LAUNCH_SECONDS * bound->steps->len);
  json_open (out, "steps", '[');
  for (guint i = 0; i < bound->steps->len; i++) {
    const StepBound *step = &g_array_index (bound->steps, StepBound, i);

    json_open (out, NULL, '{');
    json_add_string (out, "name", step->name);
    json_add_string (out, "op", step->op);
    json_add_string (out, "kernel", step->variant);
    json_add_double (out, "arithmetic_ms", 1e3 * step->arithmetic);
    json_add_double (out, "memory_ms", 1e3 * step->memory);
    g_string_append_c (out, '}');
  }
  g_string_append (out, "]}");
}

static void
add_family (GString *out, const FamilyReport *report)
{
  json_open (out, NULL, '{');
  json_add_string (out, "family", report->family->name);
  json_add_string (out, "device", report->device);
  json_add_string (out, "driver", report->driver);
  json_open (out, report->kernels != NULL ? "kernels" : "networks", '[');
  for (guint i = 0; report->kernels != NULL && i < report->kernels->len; i++)
    add_kernel (out, &g_array_index (report->kernels, Kernel, i));
  for (guint i = 0; report->networks != NULL && i < report->networks->len; i++)
    add_network (out, g_ptr_array_index (report->networks, i));
  g_string_append (out, "]}");
}

void
stats_print_json (const GPtrArray *reports)
{
  g_autoptr (GString) out = g_string_new ("{");

  json_open (out, "families", '[');
  for (guint i = 0; i < reports->len; i++)
    add_family (out, g_ptr_array_index (reports, i));
  g_string_append (out, "]}\n");
  fputs (out->str, stdout);
}
