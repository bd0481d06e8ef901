/* CbamTeam: the threads that compute on the processor itself. They belong to a device, sleep while there is nothing to
 * do, and take jobs in the order in which those came. A thread that finds no job waiting helps with one that is being
 * worked off: so a job that comes alone is everybody's, and of many at once each has a thread.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

typedef struct _CbamTeam CbamTeam;
typedef struct _CbamJob CbamJob;

/* What there is to do. Its owner keeps it until it was waited for, and touches the functions alone. */
struct _CbamJob
{
  /* Called once, before all else; and once more when all that was begun is done. NULL = nothing. */
  void (*begin) (CbamJob *job);
  void (*end) (CbamJob *job);
  /* Called by each thread that takes part, at any time, perhaps when there is nothing left; returns when there is
   * nothing left that nobody has begun. @thread: its number in the team. */
  void (*run) (CbamJob *job, guint thread);

  /* The team's, under its lock. */
  guint n_threads;
  gboolean open, done;
  GCond finished;
};

/* @n_threads: at least 1. @enter: called by each thread before all else; may be NULL. Threads start with the first job.
 */
CbamTeam *cbam_team_new (guint n_threads, void (*enter) (void));
/* Nothing may be in flight. @team may be NULL. */
void cbam_team_free (CbamTeam *team);
guint cbam_team_get_size (const CbamTeam *team);

/* @job: its functions are set. */
void cbam_job_init (CbamJob *job);
void cbam_job_clear (CbamJob *job);

void cbam_team_submit (CbamTeam *team, CbamJob *job);
void cbam_team_wait (CbamTeam *team, CbamJob *job);
/* Until all that was submitted before is done. */
void cbam_team_wait_idle (CbamTeam *team);

/* ---- Inside of a job --------------------------------------------------------------------------------------------- */

/* How many parts of a job are done. */
typedef struct
{
  gint n;      /* atomic */
  gint asleep; /* atomic: threads that wait for more */
  GMutex lock;
  GCond more;
} CbamTally;

void cbam_tally_init (CbamTally *tally);
void cbam_tally_clear (CbamTally *tally);
/* None is done yet; nobody waits. */
void cbam_tally_reset (CbamTally *tally);
/* One more is. What the thread wrote before, those see who waited for it. */
void cbam_tally_add (CbamTally *tally);
/* Until @n are. Whoever has begun one of them must not wait for others before it is done. */
void cbam_tally_wait (CbamTally *tally, guint n);
