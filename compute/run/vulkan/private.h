/* What program.c, slot.c, intake.c and grad_cam.c know of programs and slots.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/vulkan/program.h"
#include "vk/commands.h"
#include "vk/pipeline.h"

#define CBAM_POISON 0xffffffffu /* NaN, and no address of anything */
#define CBAM_CANARY 0x5a5aa5a5u
#define CBAM_WORD_BYTES 4

typedef struct
{
  CbamProgram base;
  gsize canary;
  const CbamPipeline **pipelines; /* by step; the device's */
  const CbamPipeline **thin;      /* by step, for frames that are thinned; NULL where that is all the same */
  CbamBuffer *weights;            /* NULL when nothing has any */
  CbamBuffer *arena;              /* NULL when nothing lives there */
} CbamVulkanProgram;

typedef struct _CbamGradCam CbamGradCam;

/* Where the pixels of the next frame come from. */
typedef enum
{
  CBAM_PIXELS_WRITTEN,  /* the host has written them */
  CBAM_PIXELS_IMPORTED, /* the device reads the host's own memory */
  CBAM_PIXELS_IMAGES,   /* the device copies them out of images */
} CbamPixelSource;

typedef struct
{
  CbamSlot base;
  CbamVulkanProgram *program;
  gboolean profile;
  CbamTicket *ticket; /* of the frame that is in flight; NULL: it takes no part in turns */
  CbamBuffer *memory; /* of values that the host reads or writes */
  CbamBuffer *kept;   /* copies of what is keepable; NULL until somebody wants them */
  gboolean keep;
  VkDescriptorPool descriptor_pool;
  VkDescriptorSet *sets; /* by step */
  VkQueryPool queries;
  CbamGradCam *cam; /* NULL until somebody wants it */

  /* The intake: the steps before @n_intake. */
  CbamPixelSource source;
  CbamBuffer *pixels;   /* what the device reads; NULL until the first frame */
  CbamBuffer *staging;  /* what the host writes where that is not the same memory */
  CbamBuffer *imported; /* the frame's own memory, while it is in flight */
  CbamImageCopy images[3];
  guint n_images;
  GArray *regions;  /* VkBufferImageCopy, of all images */
  gboolean thin;    /* only some of the frame's lines are there */
  guint n_of_batch; /* images that are computed */
  guint n_intake;
  CbamCommands *intake;
  GArray *intake_views; /* VkBufferView */
  gboolean intake_recorded;

  /* The other steps. */
  CbamCommands *commands;
  GArray *views; /* VkBufferView */
  gboolean recorded;
} CbamVulkanSlot;

/* ---- What intake and the other steps have in common ---- */

/* Writes the sets of the steps from @first to before @end; the views that takes go to @views, in place of those there.
 */
gboolean cbam_vulkan_slot_write_sets (CbamVulkanSlot *slot, guint first, guint end, GArray *views, GError **error);
/* Records these steps. */
void cbam_vulkan_slot_record_steps (CbamVulkanSlot *slot, CbamCommands *commands, guint first, guint end);
void cbam_vulkan_slot_record_timestamp (CbamVulkanSlot *slot, CbamCommands *commands, guint query);
void cbam_vulkan_slot_destroy_views (CbamVulkanSlot *slot, GArray *views);

/* Part of a buffer. */
typedef struct
{
  CbamBuffer *buffer;
  gsize offset, size;
} CbamBufferRange;

/* Device memory that holds what a keepable value was in the last submission; laid out as that map. */
CbamBufferRange cbam_vulkan_slot_get_kept (const CbamVulkanSlot *slot, const CbamValue *value);

CbamSlot *cbam_vulkan_slot_new (CbamProgram *program, gboolean profile, GError **error);
void cbam_vulkan_slot_free (CbamSlot *slot);
gboolean cbam_vulkan_slot_submit (CbamSlot *slot, const CbamSlotInput *input, GError **error);
gboolean cbam_vulkan_slot_wait (CbamSlot *slot, GError **error);
guint8 *cbam_vulkan_slot_get (CbamSlot *slot, const CbamValue *value);
gboolean cbam_vulkan_slot_fetch (CbamSlot *slot, const CbamValue *value, gsize offset, gsize size, GError **error);

gboolean cbam_vulkan_slot_check_canaries (CbamSlot *slot, GError **error);

/* ---- intake.c ---- */

/* Takes the pixels of @input, and makes the intake ready to be submitted. */
gboolean cbam_vulkan_intake_take (CbamVulkanSlot *slot, const CbamSlotInput *input, GError **error);
/* What the frame's own memory took; the device has finished, or never began. */
void cbam_vulkan_intake_forget_frame (CbamVulkanSlot *slot);

/* ---- grad_cam.c ---- */

gboolean cbam_vulkan_slot_explain (CbamSlot *slot, const CbamGradCamTarget *target, float *values, GError **error);
void cbam_grad_cam_free (CbamGradCam *cam);

/* ---- peak.c ---- */

gboolean cbam_vulkan_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error);
