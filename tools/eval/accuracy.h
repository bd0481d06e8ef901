/* How often a classifier names the class of a picture: first (top-1), or among the first five (top-5).
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ACCURACY_TOP 5

typedef struct _Accuracy Accuracy;

/* Of a set with @n_classes classes, each at least once in a picture, and a model with @n_labels labels, of which it
 * answers @n_answers. @meanings: the class that each label means, or %LABEL_MEANS_NOTHING, which is always wrong; it
 * must outlive the answer. */
Accuracy *accuracy_new (guint n_classes, guint n_labels, guint n_answers, const int *meanings);
void accuracy_free (Accuracy *accuracy);

/* Counts a picture of class @class_id. @labels: the @n best, best first. */
void accuracy_add (Accuracy *accuracy, guint class_id, const guint *labels, guint n);

guint accuracy_n_classes (const Accuracy *accuracy);

/* Of one class, or with %ACCURACY_ALL of all together. */
#define ACCURACY_ALL G_MAXUINT
guint accuracy_n_pictures (const Accuracy *accuracy, guint class_id);

/* The share of pictures; top-5 is NaN of a model with five answers or fewer, which cannot miss. */
double accuracy_top1 (const Accuracy *accuracy, guint class_id);
double accuracy_top5 (const Accuracy *accuracy, guint class_id);

/* The mean of the classes' top-1, in which each counts the same however many pictures it has. */
double accuracy_mean_top1 (const Accuracy *accuracy);

/* The 95 % interval of a share of @n independent pictures (Wilson 1927, "Probable inference, the law of succession, and
 * statistical inference"). */
void accuracy_interval (double share, guint n, double *low, double *high);

/* The label that pictures of the class were most often taken for while it is wrong, and how often; of equals the first.
 * %FALSE if none was. */
gboolean accuracy_taken_for (const Accuracy *accuracy, guint class_id, guint *label, guint *times);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Accuracy, accuracy_free)

G_END_DECLS
