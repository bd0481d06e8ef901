/* Whether the processors are ours alone right now.
 *
 * On a virtual machine another machine may be busy on the other hardware thread of the same core: nothing shows in this
 * machine's load, but code that keeps the core's ports busy runs at half its speed. A short loop that depends on
 * nothing but those ports tells.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How much slower than ever seen before the slowest processor of this process is, 1 = not at all. Takes some 0.3 ms of
 * all of them. The first calls learn what undisturbed means: make a few hundred before believing it. 1 where threads
 * cannot be moved to a processor. */
double canary_slowdown (void);

G_END_DECLS
