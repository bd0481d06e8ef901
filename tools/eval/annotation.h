/* What people marked in a picture, as Pascal VOC writes it down. docs/training.md says what is read and what is
 * refused; tools/train/annotation.py is the trainer's twin, and tests/eval/annotations.py the table that both are
 * tested with.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "average-precision.h"

G_BEGIN_DECLS

typedef struct
{
  GArray *objects;      /* VocObject */
  char *filename;       /* what <filename> says, without folders; %NULL where it says nothing */
  double width, height; /* what <size> says; 0 where it says nothing */
} Annotation;

/* Reads an XML file. @class_ids (name -> id + 1) is what classes are called, and grows by what it does not know yet.
 * The message of an error names the file, the line, what was expected and what was found. */
Annotation *annotation_read (const char *path, GHashTable *class_ids, GError **error);
void annotation_free (Annotation *annotation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Annotation, annotation_free)

G_END_DECLS
