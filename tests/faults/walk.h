/* A walk: something that the library does, done again and again, every time with another of its Vulkan calls failing,
 * until one time none is left to fail.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "faults.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  /* What @run stands on; makes it anew where that is lost or hangs. Nothing fails meanwhile. May be NULL. */
  void (*prepare) (void);
  /* What is to be tried. Undoes all it did. TRUE: what it saw is in @seen. */
  gboolean (*run) (GString *seen, GError **error);
  /* Undoes @prepare, but for what can be kept. Nothing fails meanwhile. May be NULL. */
  void (*finish) (void);
  /* Drops what @prepare keeps as well: before a call fails whose fruit the device would still have. May be NULL. */
  void (*forget) (void);
  gboolean again; /* after a failure, @run works on what it failed on, unless the device is gone */
  guint most;     /* calls of an entry point that are tried, where all would take too long; 0 = all */
  guint quick;    /* the same, unless everything is to be tried; 0 = as @most */
  gboolean slow;  /* not worth its time unless everything is to be tried */
} Walk;

/* The layer; it must be among the instance's. */
const Faults *faults_open (void);

/* Every call fails once, and once more with a lost device where it can report one. @whole: with every result that it
 * may give, with a run that works after each that did not, and until there is no further call, expected or not. */
void walk_calls (const Walk *walk, gboolean whole);

/* With a device that hangs from the first submission on, from the second, and so on. */
void walk_hangs (const Walk *walk);

/* How many calls were failed so far, of how many different ones. */
void walk_count (guint *ret_calls, guint *ret_entry_points);

G_END_DECLS
