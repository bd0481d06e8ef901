/* What cbam-eval says at the end: tables for people, or one JSON object for programs.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "accuracy.h"
#include "average-precision.h"

#include <stdio.h>

G_BEGIN_DECLS

typedef struct
{
  const char *model; /* its name */
  const char *split;
  const char *const *classes;
  const Evaluation *evaluation;
  float threshold;         /* the model's own, for showing boxes */
  double nms_across;       /* as CbamDetectParams has it; 1 = none went, as in published figures */
  double seconds;          /* per picture, the median; NaN = not measured */
  double low, high;        /* 95 % interval of the 11-point mean; NaN = none */
  const GArray *attention; /* AttentionScore; NULL = not asked for */
} EvalReport;

void eval_report_table (FILE *out, const EvalReport *report);

/* Shares as fractions, not per cent; what has no value is null. */
void eval_report_json (FILE *out, const EvalReport *report);

typedef struct
{
  const char *model;          /* its name */
  const char *split;          /* NULL = none was named */
  const char *const *classes; /* the set's */
  const char *const *labels;  /* the model's */
  const Accuracy *accuracy;
  double seconds; /* per picture, the median */
} AccuracyReport;

/* The same of a classifier. */
void accuracy_report_table (FILE *out, const AccuracyReport *report);
void accuracy_report_json (FILE *out, const AccuracyReport *report);

G_END_DECLS
