/* Threads that work jobs off, together or side by side; team.h has the rule.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host/team.h"

/* How often a thread looks whether the others are through before it goes to sleep: for a few hundred microseconds. That
 * is longer than a part takes, and waking up takes 50 of them. After the first looks it lets others have the processor
 * in between, if there are any. */
#define LOOKS 16000
#define LOOKS_ALONE 2000
#define LOOKS_PER_YIELD 100

struct _CbamTeam
{
  guint size;
  void (*enter) (void);
  GMutex lock; /* guards all below */
  GCond work;
  GCond idle;
  GThread **threads; /* NULL until there is something to do */
  guint n_started;
  GQueue waiting, running; /* CbamJob, the oldest first */
  guint64 submitted, finished;
  gboolean ends;
};

/* ---- Tallies ----------------------------------------------------------------------------------------------------- */

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void
cbam_tally_init (CbamTally *tally)
{
  g_mutex_init (&tally->lock);
  g_cond_init (&tally->more);
  cbam_tally_reset (tally);
}

void
cbam_tally_clear (CbamTally *tally)
{
  g_mutex_clear (&tally->lock);
  g_cond_clear (&tally->more);
}

void
cbam_tally_reset (CbamTally *tally)
{
  g_atomic_int_set (&tally->n, 0);
  g_atomic_int_set (&tally->asleep, 0);
}

void
cbam_tally_add (CbamTally *tally)
{
  g_atomic_int_inc (&tally->n);
  if (g_atomic_int_get (&tally->asleep) > 0) {
    G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&tally->lock);

    g_cond_broadcast (&tally->more);
  }
}

void
cbam_tally_wait (CbamTally *tally, guint n)
{
  for (guint i = 0; i < LOOKS; i++) {
    if ((guint) g_atomic_int_get (&tally->n) >= n)
      return;
    if (i >= LOOKS_ALONE && i % LOOKS_PER_YIELD == 0)
      g_thread_yield ();
    relax ();
  }
  g_mutex_lock (&tally->lock);
  g_atomic_int_inc (&tally->asleep);
  while ((guint) g_atomic_int_get (&tally->n) < n)
    g_cond_wait (&tally->more, &tally->lock);
  g_atomic_int_add (&tally->asleep, -1);
  g_mutex_unlock (&tally->lock);
}

/* ---- Working; with the lock held but for what a job does --------------------------------------------------------- */

/* A job that has begun, and in which there may be something left to begin. */
static CbamJob *
find_open (const CbamTeam *team)
{
  for (GList *l = team->running.head; l != NULL; l = l->next)
    if (((CbamJob *) l->data)->open)
      return l->data;
  return NULL;
}

/* Whoever comes back from it has found nothing more to begin, and so would all others. */
static void
take_part (CbamTeam *team, CbamJob *job, guint thread)
{
  job->n_threads++;
  g_mutex_unlock (&team->lock);
  job->run (job, thread);
  g_mutex_lock (&team->lock);
  job->open = FALSE;
  if (--job->n_threads > 0)
    return;
  g_mutex_unlock (&team->lock);
  if (job->end != NULL)
    job->end (job);
  g_mutex_lock (&team->lock);
  g_queue_remove (&team->running, job);
  job->done = TRUE;
  team->finished++;
  g_cond_broadcast (&job->finished);
  g_cond_broadcast (&team->idle);
}

static void
start_job (CbamTeam *team, guint thread)
{
  CbamJob *job = g_queue_pop_head (&team->waiting);

  g_queue_push_tail (&team->running, job);
  if (job->begin != NULL) {
    g_mutex_unlock (&team->lock);
    job->begin (job);
    g_mutex_lock (&team->lock);
  }
  job->open = TRUE;
  if (team->size > 1)
    g_cond_broadcast (&team->work); /* who has nothing to do may help */
  take_part (team, job, thread);
}

static gpointer
work (gpointer data)
{
  CbamTeam *team = data;
  CbamJob *open;
  guint thread;

  if (team->enter != NULL)
    team->enter ();
  g_mutex_lock (&team->lock);
  thread = team->n_started++;
  while (!team->ends) {
    if (g_queue_get_length (&team->waiting) > 0)
      start_job (team, thread);
    else if ((open = find_open (team)) != NULL)
      take_part (team, open, thread);
    else
      g_cond_wait (&team->work, &team->lock);
  }
  g_mutex_unlock (&team->lock);
  return NULL;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

CbamTeam *
cbam_team_new (guint n_threads, void (*enter) (void))
{
  CbamTeam *team = g_new0 (CbamTeam, 1);

  team->size = MAX (n_threads, 1);
  team->enter = enter;
  g_mutex_init (&team->lock);
  g_cond_init (&team->work);
  g_cond_init (&team->idle);
  g_queue_init (&team->waiting);
  g_queue_init (&team->running);
  return team;
}

void
cbam_team_free (CbamTeam *team)
{
  if (team == NULL)
    return;
  g_mutex_lock (&team->lock);
  team->ends = TRUE;
  g_cond_broadcast (&team->work);
  g_mutex_unlock (&team->lock);
  for (guint t = 0; team->threads != NULL && t < team->size; t++)
    g_thread_join (team->threads[t]);
  g_mutex_clear (&team->lock);
  g_cond_clear (&team->work);
  g_cond_clear (&team->idle);
  g_free (team->threads);
  g_free (team);
}

guint
cbam_team_get_size (const CbamTeam *team)
{
  return team->size;
}

/* ---- Jobs -------------------------------------------------------------------------------------------------------- */

void
cbam_job_init (CbamJob *job)
{
  job->done = TRUE;
  g_cond_init (&job->finished);
}

void
cbam_job_clear (CbamJob *job)
{
  g_cond_clear (&job->finished);
}

void
cbam_team_submit (CbamTeam *team, CbamJob *job)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&team->lock);

  job->n_threads = 0;
  job->open = job->done = FALSE;
  team->submitted++;
  if (team->threads == NULL) {
    team->threads = g_new0 (GThread *, team->size);
    for (guint t = 0; t < team->size; t++)
      team->threads[t] = g_thread_new ("cbam-host", work, team);
  }
  g_queue_push_tail (&team->waiting, job);
  g_cond_signal (&team->work);
}

void
cbam_team_wait (CbamTeam *team, CbamJob *job)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&team->lock);

  while (!job->done)
    g_cond_wait (&job->finished, &team->lock);
}

void
cbam_team_wait_idle (CbamTeam *team)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&team->lock);
  const guint64 wanted = team->submitted;

  while (team->finished < wanted)
    g_cond_wait (&team->idle, &team->lock);
}
