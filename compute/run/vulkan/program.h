/* Running a plan on a device: programs in program.c, slots in slot.c, how pixels get into them in intake.c.
 *
 * A program is what all frames share: pipelines, packed weights, the arena. A slot is what one frame in flight owns:
 * its pixels, its parameter block, its results, and a command buffer that is recorded once and submitted again and
 * again. Programs are thread-safe; a slot belongs to whoever holds it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "args/frame.h"

#include "engine/plan.h"
#include "vk/commands.h"
#include "vk/pipeline.h"

G_BEGIN_DECLS

typedef struct _CbamProgram CbamProgram;
typedef struct _CbamSlot CbamSlot;

/* A plane of a frame that lies in an image, and which of the regions (VkBufferImageCopy) beside it say where its texels
 * go among the slot's pixels. */
typedef struct
{
  CbamVulkanPlane plane;
  guint first, n;
} CbamImageCopy;

/* Takes @graph, and frees its weights once they are packed. @config may be NULL; its caps are filled in. */
CbamProgram *cbam_program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error);
void cbam_program_free (CbamProgram *program);
const CbamPlan *cbam_program_get_plan (const CbamProgram *program);
CbamDevice *cbam_program_get_device (const CbamProgram *program);
/* Bytes of pixels that its first step can be bound to; larger frames are thinned (thin.h). */
gsize cbam_program_get_pixels_limit (const CbamProgram *program);

/* With poisoned memory and canaries (CBAM_DEBUG_POISON, CbamPlanConfig.canary): FALSE, naming the map, when something
 * wrote behind a map or left its border or padding channels other than zero. After a run. */
gboolean cbam_program_check_canaries (CbamProgram *program, CbamSlot *slot, GError **error);

/* @profile: write timestamps, and let no two operations overlap. The program must outlive its slots. */
CbamSlot *cbam_slot_new (CbamProgram *program, gboolean profile, GError **error);
/* Waits for a submission in flight. */
void cbam_slot_free (CbamSlot *slot);

/* One of these three before a submission says where its pixels come from. */

/* Room for a frame of @size bytes; where to write it. Grows, and records again, only when the slot has never seen a
 * frame as large. */
guint8 *cbam_slot_reserve_pixels (CbamSlot *slot, gsize size, GError **error);
/* The device reads the host's own memory. @start and @size are multiples of the device's import_alignment, and the
 * memory stays as it is until cbam_slot_wait() returns. FALSE: the device cannot read it; the slot is as it was. */
gboolean cbam_slot_import_pixels (CbamSlot *slot, const void *start, gsize size, GError **error);
/* The device copies @n planes from images to the places that they have in a frame of @size bytes. */
gboolean cbam_slot_copy_images (CbamSlot *slot, const CbamImageCopy *images, guint n, const GArray *regions, gsize size,
                                GError **error);

/* Whether frames are thinned from now on. */
void cbam_slot_set_thin (CbamSlot *slot, gboolean thin);

/* Where to write the frame's parameters. */
CbamFrameArgs *cbam_slot_get_frame (CbamSlot *slot);
/* Where a kept or host map lies. */
guint8 *cbam_slot_get_map (CbamSlot *slot, const CbamValue *value);

/* Whether submissions from now on keep every level's features and conf, for cbam_slot_get_kept(). */
void cbam_slot_keep_levels (CbamSlot *slot, gboolean keep);

/* What submissions from now on stand in the device's queue with; the caller's, and NULL for nothing. */
void cbam_slot_set_ticket (CbamSlot *slot, CbamTicket *ticket);

/* On failure, CBAM_ERROR_BUSY among them, the slot is as it was before. */
gboolean cbam_slot_submit (CbamSlot *slot, GError **error);
/* Waits, and makes the results below readable until the next submit. */
gboolean cbam_slot_wait (CbamSlot *slot, GError **error);

/* Part of a buffer. */
typedef struct
{
  CbamBuffer *buffer;
  gsize offset, size;
} CbamBufferRange;

/* Device memory that holds what a level's features or conf were in the last submission; laid out as that map. */
CbamBufferRange cbam_slot_get_kept (const CbamSlot *slot, const CbamValue *value);
/* The packed weights of the step that writes @value. */
CbamBufferRange cbam_program_get_weights (const CbamProgram *program, const CbamValue *value);

/* In no particular order. */
const CbamHit *cbam_slot_get_hits (const CbamSlot *slot, guint32 *n);
/* The highest score of any class that may be reported, whether it passed the threshold or not. */
float cbam_slot_get_best_score (const CbamSlot *slot);
/* x0, y0, x1, y1 per prior, fractions of the input. */
const float (*cbam_slot_get_boxes (const CbamSlot *slot))[4];
/* Seconds per step of the plan; NULL without profile. */
const double *cbam_slot_get_seconds (const CbamSlot *slot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamProgram, cbam_program_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamSlot, cbam_slot_free)

G_END_DECLS
