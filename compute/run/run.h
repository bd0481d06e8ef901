/* Running a graph: a program is what all frames share, a slot is what one frame in flight owns. What does it is a
 * runner: a folder of this one, and a table of functions in the list below.
 *
 * Programs are thread-safe; a slot belongs to whoever holds it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cbamdetect/device.h>

#include "base/debug.h"
#include "engine/plan.h"
#include "vk/turns.h"

typedef struct _CbamRunner CbamRunner;
typedef struct _CbamProgram CbamProgram;
typedef struct _CbamSlot CbamSlot;
typedef struct _CbamImageCopies CbamImageCopies; /* run/vulkan/program.h */

/* What every runner's program and slot begin with. */
struct _CbamProgram
{
  const CbamRunner *runner;
  CbamDevice *device;
  CbamPlan *plan;
  const CbamStep *clamped; /* a step with weights that 16 bits have no room for; NULL = there is none */
};

struct _CbamSlot
{
  CbamProgram *program;
  gboolean in_flight;
  double *seconds; /* by step of the plan; NULL without profile */
  float *largest;  /* by step, of the last run: the largest magnitude that it wanted to store, 0 where that is up to
                      CBAM_HALF_NEAR_MOST; NULL where maps are not of 16 bits */
};

/* A frame, or a batch of images. Its pixels come from one of three, or from nowhere where a graph has none. */
typedef struct
{
  guint n_images; /* of the batch; 0 = all of them. What the others are is open */
  gsize size;     /* bytes of pixels */
  /* The host writes them: called once, with room for so many. */
  void (*write) (gpointer data, guint8 *pixels);
  gpointer data;
  /* The host's own memory, read in place: @size and this are multiples of the device's import_alignment, and it stays
   * as it is until the wait. */
  const void *start;
  /* Planes of images, copied to where a frame of @size bytes has them. */
  const CbamImageCopies *images;

  gboolean thin;      /* only some of the frame's lines are there */
  gboolean keep;      /* keep what is keepable, for cbam_slot_explain() */
  CbamTicket *ticket; /* what it stands in the device's queue with; NULL = it takes no part in turns */
} CbamSlotInput;

/* A score that Grad-CAM explains. */
typedef struct
{
  const char *name;                 /* of the level, for messages */
  guint image;                      /* of the batch */
  const CbamValue *features, *conf; /* keepable */
  guint first_conf;                 /* channel of conf at which its anchor's classes begin */
  guint n_classes, class_id;
  gboolean softmax; /* else sigmoid */
  guint row, column;
} CbamGradCamTarget;

struct _CbamRunner
{
  const char *name;
  /* Whether it is the one for a device like that; the first of the list that says so runs. */
  gboolean (*suits) (const CbamDeviceCaps *caps, CbamDebugFlags debug);
  /* cbam_device_measure_peak(). NULL = there is nothing to compare with. */
  gboolean (*measure_peak) (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error);

  /* The fusions whose results it can run. */
  CbamFusions (*get_fusions) (const CbamDeviceCaps *caps, CbamPrecision precision);
  /* Takes @graph, and frees its weights once they are packed. @config has the device's caps. */
  CbamProgram *(*program_new) (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error);
  void (*program_free) (CbamProgram *program);
  /* Bytes of pixels that it can read at once; larger frames are thinned (detect/thin.h). */
  gsize (*get_pixels_limit) (const CbamProgram *program);
  /* What runs step @s, and what family of kernels the program has, in few words. */
  const char *(*get_kernel) (const CbamProgram *program, guint s);
  const char *(*get_kernels) (const CbamProgram *program);

  CbamSlot *(*slot_new) (CbamProgram *program, gboolean profile, GError **error);
  void (*slot_free) (CbamSlot *slot);
  gboolean (*submit) (CbamSlot *slot, const CbamSlotInput *input, GError **error);
  gboolean (*wait) (CbamSlot *slot, GError **error);
  guint8 *(*get) (CbamSlot *slot, const CbamValue *value);
  gboolean (*fetch) (CbamSlot *slot, const CbamValue *value, gsize offset, gsize size, GError **error);
  gboolean (*check_canaries) (CbamSlot *slot, GError **error); /* NULL = it has none */
  /* NULL = it cannot. */
  gboolean (*explain) (CbamSlot *slot, const CbamGradCamTarget *target, float *values, GError **error);
};

extern const CbamRunner cbam_runner_host;
extern const CbamRunner cbam_runner_reference;
extern const CbamRunner cbam_runner_vulkan;

/* All of them, best first; NULL-terminated. */
extern const CbamRunner *const cbam_runners[];

/* The fusions to try on a graph that is to run on @device, in a precision that it has. */
CbamFusions cbam_run_get_fusions (CbamDevice *device, CbamPrecision precision);

/* Takes @graph, and frees its weights once they are packed. @config may be NULL; its caps are filled in. */
CbamProgram *cbam_program_new (CbamDevice *device, CbamGraph *graph, const CbamPlanConfig *config, GError **error);
/* @program may be NULL. */
void cbam_program_free (CbamProgram *program);
gsize cbam_program_get_pixels_limit (const CbamProgram *program);
const char *cbam_program_get_kernel (const CbamProgram *program, guint s);
const char *cbam_program_get_kernels (const CbamProgram *program);

/* @profile: measure every step, and let no two overlap. The program must outlive its slots. */
CbamSlot *cbam_slot_new (CbamProgram *program, gboolean profile, GError **error);
/* Waits for a submission in flight. @slot may be NULL. */
void cbam_slot_free (CbamSlot *slot);

/* Where a value lies that the host reads or writes: to be written before a submission, and read after the wait. */
guint8 *cbam_slot_get (CbamSlot *slot, const CbamValue *value);
/* Makes part of a value of bytes readable that way; maps are after the wait. */
gboolean cbam_slot_fetch (CbamSlot *slot, const CbamValue *value, gsize offset, gsize size, GError **error);

/* FALSE leaves the slot as it was: CBAM_ERROR_BUSY when it is not the ticket's turn, CBAM_ERROR_UNSUPPORTED when the
 * device cannot read pixels in place or so many. */
gboolean cbam_slot_submit (CbamSlot *slot, const CbamSlotInput *input, GError **error);
gboolean cbam_slot_wait (CbamSlot *slot, GError **error);
/* A step that clamped what it stored in the last run that was waited for, because 16 bits had no room for it; NULL =
 * none did. *@ret_largest, unless that is NULL, is the largest such number's magnitude. */
const CbamStep *cbam_slot_find_clamped (const CbamSlot *slot, float *ret_largest);

/* Explains a score of the frame that was last waited for, which kept what is keepable: its level's [height][width]
 * numbers, all >= 0, into @values. */
gboolean cbam_slot_explain (CbamSlot *slot, const CbamGradCamTarget *target, float *values, GError **error);

/* With poisoned memory and canaries (CBAM_DEBUG_POISON, CbamPlanConfig.canary): FALSE, naming the map, when something
 * wrote behind a map or left its border or padding channels other than zero. After a run. */
gboolean cbam_slot_check_canaries (CbamSlot *slot, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamProgram, cbam_program_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CbamSlot, cbam_slot_free)
