/* What the files of this folder know of programs, steps and slots.
 *
 *     program   steps, weights in the order that oneDNN wants; shared by all frames
 *     stage     what one frame that is being computed needs: arena, a worker for each thread
 *     slot      what one frame in flight owns: pixels, and what the host reads or writes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "host/onednn.h"
#include "host/team.h"
#include "run/host/loops.h"
#include "run/reference/reference.h"
#include "run/run.h"
#include "vk/device.h"

/* A step is worked off in parts, each by whichever thread is free; the parts of a phase can go on side by side, the
 * next phase begins when all of them are done. In the last one a frame that is to be explained keeps what is keepable.
 */
#define CBAM_HOST_PHASES 3
#define CBAM_HOST_KEEPING 2

/* Multiply-adds, or numbers, that are worth a part of their own: some ten microseconds. */
#define CBAM_HOST_PART 500000

typedef struct _CbamHostKernel CbamHostKernel;
typedef struct _CbamHostProgram CbamHostProgram;
typedef struct _CbamHostStage CbamHostStage;
typedef struct _CbamHostSlot CbamHostSlot;

typedef struct
{
  const CbamHostKernel *kernel;
  const CbamNode *node;
  CbamHostProgram *program;
  guint parts[CBAM_HOST_PHASES]; /* of the whole batch, image after image; 0 = there is no such phase */
  guint rows;                    /* of the output that a part makes, where it makes rows */
  gboolean waits;                /* until all of the steps and phases before it are done */
  gpointer state;                /* the kernel's own */
} CbamHostStep;

/* A part of a step, in the thread that works it off. */
typedef struct
{
  const CbamHostStep *step;
  CbamHostStage *stage;
  CbamHostSlot *slot;
  guint phase, part, thread;
} CbamHostTask;

struct _CbamHostKernel
{
  const char *name;
  const CbamOpClass *op; /* NULL = all */
  /* Whether it can run @node; NULL = always. */
  gboolean (*fits) (const CbamHostProgram *program, const CbamNode *node);
  /* Sets parts and state. Runs in a thread that may call oneDNN. */
  gboolean (*prepare) (CbamHostStep *step, GError **error);
  /* FALSE: oneDNN failed. */
  gboolean (*run) (const CbamHostTask *task);
  void (*free_state) (gpointer state); /* NULL = g_free */
  /* The code that runs it, where that is not @name. */
  const char *(*get_code) (const CbamHostStep *step);
};

/* All, the best for an op first; the last runs every op by its reference. */
extern const CbamHostKernel *const cbam_host_kernels[];

extern const CbamHostKernel cbam_host_winograd, cbam_host_conv, cbam_host_depthwise, cbam_host_deconv,
    cbam_host_depthwise_deconv, cbam_host_separable;
extern const CbamHostKernel cbam_host_activation, cbam_host_sigmoid, cbam_host_batch_norm, cbam_host_l2_norm;
extern const CbamHostKernel cbam_host_add, cbam_host_multiply, cbam_host_concat, cbam_host_slice, cbam_host_shuffle;
extern const CbamHostKernel cbam_host_turn, cbam_host_attend;
extern const CbamHostKernel cbam_host_max_pool, cbam_host_global_pool, cbam_host_channel_pool, cbam_host_channel_gate;
extern const CbamHostKernel cbam_host_resize, cbam_host_preprocess, cbam_host_resample, cbam_host_detect;
extern const CbamHostKernel cbam_host_by_reference;

struct _CbamHostProgram
{
  CbamProgram base;
  const CbamLoops *loops;
  gboolean bf16, has_tiles; /* products of convolutions are in bfloat16, by units for tiles of it */
  CbamTeam *team;           /* the device's */
  CbamHostStep *steps;
  gsize canary;
  guint n_primitives;    /* of oneDNN: numbers given */
  GPtrArray *primitives; /* CbamOnednn: convolutions of stripes, */
  GArray *forms;         /* ... and CbamOnednnForm of each */
  gsize scratch_size;    /* bytes that the neediest primitive wants */
  gsize room;            /* floats that the neediest loop wants for its thread */
  gsize shared;          /* and that the neediest step wants between its phases */
  GPtrArray *packed;     /* weights */

  GMutex lock;
  GSList *stages; /* that no frame uses now */
};

struct _CbamHostStage
{
  CbamHostProgram *program;
  guint8 *arena;
  CbamOnednnWorker **workers; /* by thread */
  float **room;               /* by thread */
  float *shared;              /* what a step's first phase leaves for its second */
  CbamReference *reference;   /* NULL until a step needs it */
  guint n_images;             /* of the batch, for which the next two are */
  guint *parts, *before;      /* by step and phase: how many, and how many of the steps and phases before it */
  gint *begun;                /* by step, phase and thread: how many of the parts that are its first; atomic */
  CbamTally done;             /* parts, of all steps together */
  gint failed, profiled;      /* atomic: whether oneDNN has; parts that are done */
};

struct _CbamHostSlot
{
  CbamSlot base;
  CbamHostProgram *program;
  CbamJob job;
  CbamHostStage *stage; /* while it is computed; with canaries, until they are checked */
  guint8 *memory;       /* of values that the host reads or writes */
  guint8 *kept;         /* copies of what is keepable; NULL until somebody wants them */
  guint8 *written;      /* pixels that the host has written */
  gsize room;
  const guint8 *pixels; /* of the frame that is in flight */
  guint n_images;       /* and of how many images */
  gboolean profile, keep;
  gboolean failed;
  gint64 began; /* profile: when the step that runs did, in nanoseconds */
  CbamTicket *ticket;
};

/* ---- For kernels ------------------------------------------------------------------------------------------------- */

/* Where image @image of a value lies while a frame is computed. */
float *cbam_host_map (const CbamHostTask *task, const CbamValue *value, guint image);
guint8 *cbam_host_bytes (const CbamHostTask *task, const CbamValue *value);
/* Room of the thread's own; a kernel that wants any asks for it while it prepares. */
float *cbam_host_scratch (const CbamHostTask *task);
void cbam_host_need_scratch (CbamHostStep *step, gsize floats);
/* Room that the step's phases share. Steps with any must not run side by side: the plan has a barrier between them. */
void cbam_host_need_shared (CbamHostStep *step, gsize floats);

/* Room for weights as a kernel reads them, zeros; the program frees it. */
void *cbam_host_new_packed (CbamHostProgram *program, gsize size);

/* Floats of an image. */
static inline gsize
cbam_host_frame (const CbamValue *value)
{
  return (gsize) value->width * value->height * value->channels;
}

/* Divides the rows of the step's output among parts, each of whole images' rows, where a row takes @work. */
void cbam_host_divide_rows (CbamHostStep *step, double work);

/* The rows of the output, and the image, that a part makes. */
typedef struct
{
  guint image, first, end;
} CbamHostRows;

CbamHostRows cbam_host_rows (const CbamHostTask *task);

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

void cbam_host_stage_free (CbamHostStage *stage);

CbamSlot *cbam_host_slot_new (CbamProgram *program, gboolean profile, GError **error);
void cbam_host_slot_free (CbamSlot *slot);
gboolean cbam_host_slot_submit (CbamSlot *slot, const CbamSlotInput *input, GError **error);
gboolean cbam_host_slot_wait (CbamSlot *slot, GError **error);
guint8 *cbam_host_slot_get (CbamSlot *slot, const CbamValue *value);
gboolean cbam_host_slot_fetch (CbamSlot *slot, const CbamValue *value, gsize offset, gsize size, GError **error);
gboolean cbam_host_slot_check_canaries (CbamSlot *slot, GError **error);
/* Where a keepable value of the frame that was last waited for lies. */
const float *cbam_host_slot_get_kept (const CbamHostSlot *slot, const CbamValue *value);

/* ---- Grad-CAM ---------------------------------------------------------------------------------------------------- */

/* Whether it needs @param as it came. */
gboolean cbam_host_grad_cam_reads (const CbamPlan *plan, const CbamParam *param);
gboolean cbam_host_slot_explain (CbamSlot *slot, const CbamGradCamTarget *target, float *values, GError **error);

/* ---- The yardstick ----------------------------------------------------------------------------------------------- */

gboolean cbam_host_measure_peak (CbamDevice *device, CbamPrecision precision, double *gflops, GError **error);
