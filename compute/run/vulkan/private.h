/* What program.c, slot.c and intake.c know of programs and slots.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/vulkan/program.h"

G_BEGIN_DECLS

#define CBAM_POISON 0xffffffffu /* NaN, and no address of anything */
#define CBAM_CANARY 0x5a5aa5a5u
#define CBAM_WORD_BYTES 4

struct _CbamProgram
{
  CbamDevice *device;
  CbamPlan *plan;
  gsize canary;
  GHashTable *by_shader;    /* CbamShader -> CbamPipeline */
  CbamPipeline **pipelines; /* by step; borrowed */
  CbamPipeline **thin;      /* by step, for frames that are thinned; NULL where that is all the same; borrowed */
  CbamBuffer *weights;      /* NULL when nothing has any */
  CbamBuffer *arena;        /* NULL when nothing lives there */
};

/* Where the pixels of the next frame come from. */
typedef enum
{
  CBAM_PIXELS_COPIED,   /* the host has written them where cbam_slot_reserve_pixels() said */
  CBAM_PIXELS_IMPORTED, /* the device reads the host's own memory */
  CBAM_PIXELS_IMAGES,   /* the device copies them out of images */
} CbamPixelSource;

struct _CbamSlot
{
  CbamProgram *program;
  gboolean profile;
  CbamTicket *ticket; /* the caller's; NULL: it takes no part in turns */
  CbamBuffer *memory; /* parameters, results, kept maps */
  CbamBuffer *kept;   /* levels' features and conf; NULL until somebody wants them */
  VkDescriptorPool descriptor_pool;
  VkDescriptorSet *sets; /* by step */
  VkQueryPool queries;
  double *seconds; /* by step */
  guint32 n_hits;
  gboolean in_flight, keep_levels;

  /* The intake: the steps before @n_intake. */
  CbamPixelSource source;
  CbamBuffer *pixels;   /* what the device reads; NULL until the first frame */
  CbamBuffer *staging;  /* what the host writes where that is not the same memory */
  CbamBuffer *imported; /* the frame's own memory, while it is in flight */
  CbamImageCopy images[3];
  guint n_images;
  GArray *regions; /* VkBufferImageCopy, of all images */
  gboolean thin;   /* only some of the frame's lines are there */
  guint n_intake;
  CbamCommands *intake;
  GArray *intake_views; /* VkBufferView */
  gboolean intake_recorded;

  /* The other steps. */
  CbamCommands *commands;
  GArray *views; /* VkBufferView */
  gboolean recorded;
};

/* ---- Bindings: what a kernel's descriptor set looks like ---- */

VkDescriptorType cbam_variant_get_descriptor_type (const CbamOpVariant *variant, CbamBinding binding);

/* ---- What intake and the other steps have in common ---- */

/* Writes the descriptor sets of the steps from @first up to, but not, @end. The buffer views that they need replace
 * those in @views. */
gboolean cbam_slot_write_sets (CbamSlot *slot, guint first, guint end, GArray *views, GError **error);
/* Records these steps. */
void cbam_slot_record_steps (CbamSlot *slot, CbamCommands *commands, guint first, guint end);
void cbam_slot_record_timestamp (CbamSlot *slot, CbamCommands *commands, guint query);
void cbam_slot_destroy_views (CbamSlot *slot, GArray *views);

/* ---- intake.c ---- */

/* Makes the intake of the frame that the slot's source describes ready to be submitted. */
gboolean cbam_intake_prepare (CbamSlot *slot, GError **error);
/* Lets go of what reading the frame's own memory took. The device has finished with it, or never began. */
void cbam_intake_forget_frame (CbamSlot *slot);

G_END_DECLS
