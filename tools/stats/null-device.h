/* AMD GPUs that are not there: RADV, Mesa's driver, compiles for any family of them when RADV_FORCE_FAMILY says so, and
 * executes nothing. What it offers is a CbamDevice whose pipelines can be asked what became of them; no memory can be
 * had on it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "vk/device.h"

G_BEGIN_DECLS

/* What is asked of a family, beside its kernels, to say how long a network takes at least. */
typedef struct
{
  const char *name;    /* as RADV knows it */
  const char *renamed; /* and by another name in Mesa from 23.1 on; NULL = the same */
  /* The generation: how many of its SIMDs share the memory of workgroups, and the lanes that one of them computes in a
   * cycle. */
  guint simds_per_unit, simd_lanes;
  /* A product of the family: SIMDs, Hz, bytes a second. Zeros where none is modelled. */
  guint simds;
  double clock, bandwidth;
} Family;

/* Those that Mesa 22.3 knows and the engine may meet; the last one's name is NULL. */
extern const Family families[];

const Family *family_find (const char *name);

/* Whether this RADV knows it; *@ret_name is how it calls it. FALSE as well when there is no RADV. Asked in a process
 * apart, as RADV ends the one that asks for a family which it does not know. */
gboolean family_is_known (const Family *family, const char **ret_name);

/* @name: as family_is_known() gave it. */
CbamDevice *null_device_open (const char *name, GError **error);

G_END_DECLS
