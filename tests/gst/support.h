/* What the element's tests share: harnesses with a model, test pictures in any format, and reading results back.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

/* A detection as read from a buffer's metadata. */
typedef struct
{
  char label[64];
  int label_id;
  double score, x_min, y_min, x_max, y_max;
  guint x, y, width, height;
  guint64 age; /* ns and frames since the frame it was found in; 0 where it is this one */
  guint frame_age;
} Found;

/* The file named by CBAM_TEST_MODEL. */
const char *model_path (void);

/* The element with that model and further `properties=values`, with a bus of its own, not yet started. */
GstElement *detect_new (const char *properties, ...) G_GNUC_PRINTF (1, 2);

/* A playing harness around it; upstream is not live. Takes @element. */
GstHarness *harness_new (GstElement *element, const char *caps);

void harness_free (GstHarness *h);

/* Drops the messages on the bus of @element, which would keep the element alive. */
void bus_clear (GstElement *element);

/* The picture number @picture of this format and size, stamped with pts @index * 40 ms. Colours say where one is. */
GstBuffer *picture_new (const char *caps, guint picture, guint index);

/* The same frame in memory with @padding more bytes per row and other offsets, told by its GstVideoMeta. */
GstBuffer *picture_pad (GstBuffer *buffer, const char *caps, guint padding);

/* (transfer full) (element-type Found): what the metadata of @buffer says, in its order. */
GArray *found_in (GstBuffer *buffer);

/* Detections of @picture by a harness of its own; @properties go to the element. */
GArray *found_by (const char *caps, guint picture, const char *properties);

/* How far @found is from @reference: for each detection of the reference the difference in score and in its worst edge
 * (fraction of the frame) to the most similar one of the same label, on average; 1 where there is none. */
double found_distance (const GArray *reference, const GArray *found);

/* Byte for byte. */
gboolean found_equal (const GArray *a, const GArray *b);

/* A number of the property `stats` of @element. */
guint64 get_stat (GstElement *element, const char *field);

/* The next message of @type from the bus of @element, or NULL when there is none. */
GstMessage *pop_message (GstElement *element, GstMessageType type);

/* Deletes a folder with all that is in it. */
void remove_tree (const char *path);

/* Runs the suite; each test in a process of its own. With CBAM_TEST_WARM in the environment, which is for tests in one
 * process, an element is kept started, so that what the device has compiled for one test is there for the next. */
int run_suite (TCase *tests);
