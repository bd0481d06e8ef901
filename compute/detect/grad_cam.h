/* Grad-CAM of detections, from what a slot kept of its last frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/vulkan/program.h"

G_BEGIN_DECLS

typedef struct _CbamGradCam CbamGradCam;

/* A score: of a class, at an anchor of a cell of a level. */
typedef struct
{
  guint level, row, column, anchor, class_id;
} CbamGradCamTarget;

/* @slot must outlive it, and keep its levels (cbam_slot_keep_levels()) in frames that are to be explained. */
CbamGradCam *cbam_grad_cam_new (CbamProgram *program, CbamSlot *slot, gboolean softmax, GError **error);
void cbam_grad_cam_free (CbamGradCam *cam);

/* Explains one score of the frame that was last waited for: its level's [height][width] numbers, all >= 0, into
 * @values. */
gboolean cbam_grad_cam_run (CbamGradCam *cam, const CbamGradCamTarget *target, float *values, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamGradCam, cbam_grad_cam_free)

G_END_DECLS
