/* A picture whose content is known, since it is drawn here, and a small network that was trained on such pictures: what
 * that finds on a device shows whether device, driver and engine compute what they should.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/detector.h>

G_BEGIN_DECLS

typedef struct _KnownPicture KnownPicture;

KnownPicture *known_picture_new (void);
void known_picture_free (KnownPicture *picture);

/* A view of the pixels, as long as @picture lives. */
CbamImage known_picture_view (const KnownPicture *picture);

/* The network, which the program carries in itself. The name in an error's message is that of a temporary file. */
CbamModel *known_answer_load_model (CbamDevice *device, GError **error);

/* Compares what was found in the picture with what was drawn: each shape once, under its name, where it is, and nothing
 * else. @ret_text says in words what was found, and what was not. */
gboolean known_answer_is_right (const CbamResult *result, char **ret_text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KnownPicture, known_picture_free)

G_END_DECLS
