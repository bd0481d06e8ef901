/* What cbam-run says about a picture: as a table, as a line of JSON, and where the device's time went.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/result.h>
#include <stdio.h>

G_BEGIN_DECLS

/* One picture's detections or classes for people. @threshold is what they had to pass. */
void report_table (FILE *out, const char *path, guint width, guint height, const CbamResult *result, float threshold);

/* The same as exactly one line of JSON, with the attention and the Grad-CAM that the result has; @classifies: by which
 * kind of network. */
void report_json (FILE *out, const char *path, guint width, guint height, const CbamResult *result,
                  gboolean classifies);

/* Device time per operation, added up over pictures. */
typedef struct _Profile Profile;

Profile *profile_new (void);
void profile_free (Profile *profile);

/* Adds a profiled result; the first one says which operations there are. */
void profile_add (Profile *profile, const CbamResult *result);

/* Mean time per picture and operation, in running order. Says so when nothing was measured. */
void profile_print (const Profile *profile, FILE *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Profile, profile_free)

G_END_DECLS
