/* Average precision as Pascal VOC's devkit defines it: what was found against what is there. Pure arithmetic, no files.
 *
 * Pictures go in one after the other, evaluation_finish() puts everything in order, then the measures can be asked for.
 * What has no value, as the average precision of a class without objects, is NaN.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Corners as annotations have them: the first and the last pixel of the box, counted from 1. A box from 3 to 5 is three
 * pixels wide. */
typedef struct
{
  double x0, y0, x1, y1;
} VocBox;

typedef struct
{
  VocBox box;
  guint class_id;
  gboolean is_difficult; /* finding it is neither right nor wrong, and it is not missed */
} VocObject;

typedef struct
{
  VocBox box;
  guint class_id;
  float score;
} VocDetection;

typedef enum
{
  AP_11_POINT, /* IoU 0.5; mean of the best precision at recalls 0, 0.1 ... 1 (VOC 2007) */
  AP_AREA,     /* IoU 0.5; area below the curve, precisions made monotone (VOC 2010 and later) */
  AP_50_95,    /* the area's mean over the IoUs 0.5, 0.55 ... 0.95 */
} ApMeasure;

/* One step of a precision-recall curve: what everything with this score or a higher one comes to. */
typedef struct
{
  double recall, precision;
  float score;
} CurvePoint;

/* What reporting all scores above a threshold comes to. */
typedef struct
{
  double threshold;
  double precision, recall, f1;
} OperatingPoint;

typedef struct _Evaluation Evaluation;

Evaluation *evaluation_new (guint n_classes);
void evaluation_free (Evaluation *evaluation);

/* Adds a picture: its objects, and what was found in it, in any order. Class ids are below the number of classes.
 *
 * Detections are matched by falling score, and of equal ones in the order given. Each looks for the object of its class
 * that it overlaps most, difficult ones included (of equal ones the first), and where that overlap is enough, it is
 * right if it is the object's first, wrong if the object was found before, and nothing if the object is difficult. All
 * others are wrong. */
void evaluation_add_picture (Evaluation *evaluation, const VocObject *objects, gsize n_objects,
                             const VocDetection *detections, gsize n_detections);

/* Puts each class's detections in the order of falling score; equal ones keep the order in which they were added, so
 * that the measures depend on nothing else. No picture can be added after this. */
void evaluation_finish (Evaluation *evaluation);

guint evaluation_n_classes (const Evaluation *evaluation);
guint evaluation_n_pictures (const Evaluation *evaluation);

/* The objects of a class, difficult ones left out. */
guint evaluation_n_objects (const Evaluation *evaluation, guint class_id);

double evaluation_average_precision (const Evaluation *evaluation, guint class_id, ApMeasure measure);

/* The mean over those classes that have objects. */
double evaluation_mean_average_precision (const Evaluation *evaluation, ApMeasure measure);

/* The steps of a class's curve at IoU 0.5 by falling score (CurvePoint); none for a class without objects. */
GArray *evaluation_curve (const Evaluation *evaluation, guint class_id);

/* What one class's detections with scores above @threshold come to at IoU 0.5. */
OperatingPoint evaluation_at (const Evaluation *evaluation, guint class_id, double threshold);

/* The threshold of the best F1 (harmonic mean of precision and recall, IoU 0.5), where right and wrong detections of
 * all classes are counted together. It lies midway between the last score it lets through and the first it does not;
 * of equal F1 the highest wins. */
OperatingPoint evaluation_best_f1 (const Evaluation *evaluation);

/* Two-sided 95 % percentile interval of the mean 11-point average precision, by the bootstrap (Efron 1979): as many
 * pictures as there are, drawn with replacement, @n_resamples times. The same seed gives the same interval. Returns
 * %FALSE where there is nothing to draw from: no picture, or no object. */
gboolean evaluation_interval (const Evaluation *evaluation, guint n_resamples, guint32 seed, double *ret_low,
                              double *ret_high);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Evaluation, evaluation_free)

G_END_DECLS
