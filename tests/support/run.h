/* Running a slot once.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "run/run.h"

/* Submits @size bytes of @pixels, which may be NULL, and waits; the test fails if that does. */
void test_run (CbamSlot *slot, const guint8 *pixels, gsize size, gboolean thin);

/* Numbers of a map that the host reads; the caller's. */
float *test_read (CbamSlot *slot, const CbamValue *value);
