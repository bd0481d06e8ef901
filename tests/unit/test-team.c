/* Threads that compute on the processor itself: together while few jobs wait, side by side while many do, asleep while
 * none is there; and how many there may be.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "host/team.h"

#include <time.h>

#include "host/processor.h"

#define THREADS 3
#define PATIENCE (10 * G_USEC_PER_SEC) /* only who waits for what never comes takes as long */
#define STEPS 20
#define PARTS 7

/* A job of several steps, each of which needs all of the one before. */
typedef struct
{
  CbamJob job;
  CbamTally tally;
  gint next[STEPS]; /* atomic */
  gint sums[STEPS]; /* atomic */
  gint threads;     /* atomic: a bit for each that took part */
  guint begun, ended;
  GMutex *held; /* NULL, or what the job waits for */
} Work;

static void
begin (CbamJob *job)
{
  Work *work = (Work *) job;

  work->begun++;
  if (work->held != NULL) {
    g_mutex_lock (work->held);
    g_mutex_unlock (work->held);
  }
}

static void
run (CbamJob *job, guint thread)
{
  Work *work = (Work *) job;

  g_atomic_int_or ((guint *) &work->threads, 1u << thread);
  for (guint s = 0; s < STEPS; s++) {
    gint part;

    if (s > 0)
      cbam_tally_wait (&work->tally, s * PARTS);
    while ((part = g_atomic_int_add (&work->next[s], 1)) < PARTS) {
      g_assert_true (s == 0 || g_atomic_int_get (&work->sums[s - 1]) == PARTS * (PARTS + 1) / 2);
      g_atomic_int_add (&work->sums[s], part + 1);
      cbam_tally_add (&work->tally);
    }
  }
}

static void
end (CbamJob *job)
{
  Work *work = (Work *) job;

  work->ended++;
  g_assert_cmpint (work->sums[STEPS - 1], ==, PARTS * (PARTS + 1) / 2);
}

static void
work_init (Work *work)
{
  *work = (Work){ .job = { .begin = begin, .run = run, .end = end } };
  cbam_job_init (&work->job);
  cbam_tally_init (&work->tally);
}

static void
work_clear (Work *work)
{
  cbam_job_clear (&work->job);
  cbam_tally_clear (&work->tally);
}

/* Every part of every step is done once, whoever does it, and nobody else's job needs all threads to be awake. */
static void
test_steps (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);

  for (guint i = 0; i < 100; i++) {
    Work work;

    work_init (&work);
    cbam_team_submit (team, &work.job);
    cbam_team_wait (team, &work.job);
    g_assert_cmpuint (work.begun, ==, 1);
    g_assert_cmpuint (work.ended, ==, 1);
    g_assert_cmpint (work.threads, !=, 0);
    g_assert_cmpint (work.threads, <, 1 << THREADS);
    for (guint s = 0; s < STEPS; s++)
      g_assert_cmpint (work.sums[s], ==, PARTS * (PARTS + 1) / 2);
    work_clear (&work);
  }
  cbam_team_free (team);
}

typedef struct
{
  CbamJob job;
  gint there; /* atomic: threads that are in it */
} Meeting;

/* Returns when all threads of the team have come. */
static void
meet (CbamJob *job, guint thread)
{
  Meeting *meeting = (Meeting *) job;

  g_atomic_int_inc (&meeting->there);
  while (g_atomic_int_get (&meeting->there) < THREADS)
    g_thread_yield ();
}

/* A job that comes alone is everybody's. */
static void
test_together (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);
  Meeting meeting = { .job = { .run = meet } };

  cbam_job_init (&meeting.job);
  for (guint i = 0; i < 20; i++) {
    meeting.there = 0;
    cbam_team_submit (team, &meeting.job);
    cbam_team_wait (team, &meeting.job);
  }
  cbam_job_clear (&meeting.job);
  cbam_team_free (team);
}

/* A job that one thread works at, whoever comes to help. */
typedef struct
{
  CbamJob job;
  gint taken; /* atomic */
} Sole;

static void
meet_across (CbamJob *job, guint thread)
{
  const gint64 end = g_get_monotonic_time () + PATIENCE;
  static gint there;

  if (!g_atomic_int_compare_and_exchange (&((Sole *) job)->taken, 0, 1))
    return;
  g_atomic_int_inc (&there);
  while (g_atomic_int_get (&there) < THREADS) {
    if (g_get_monotonic_time () > end)
      g_error ("%d of %d jobs are under way", g_atomic_int_get (&there), THREADS);
    g_thread_yield ();
  }
}

/* As many as there are threads are under way at the same time. */
static void
test_side_by_side (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);
  Sole jobs[THREADS];

  for (guint i = 0; i < THREADS; i++) {
    jobs[i] = (Sole){ .job = { .run = meet_across } };
    cbam_job_init (&jobs[i].job);
    cbam_team_submit (team, &jobs[i].job);
  }
  for (guint i = 0; i < THREADS; i++) {
    cbam_team_wait (team, &jobs[i].job);
    cbam_job_clear (&jobs[i].job);
  }
  cbam_team_free (team);
}

static gpointer
submit_many (gpointer data)
{
  for (guint i = 0; i < 50; i++) {
    Work work;

    work_init (&work);
    cbam_team_submit (data, &work.job);
    cbam_team_wait (data, &work.job);
    g_assert_cmpuint (work.ended, ==, 1);
    work_clear (&work);
  }
  return NULL;
}

/* Streams that share the threads. */
static void
test_streams (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);
  GThread *streams[5];

  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    streams[i] = g_thread_new ("stream", submit_many, team);
  for (guint i = 0; i < G_N_ELEMENTS (streams); i++)
    g_thread_join (streams[i]);
  cbam_team_free (team);
}

/* What was submitted before is waited for, what is held up too. */
static void
test_wait_idle (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);
  Work works[4];
  GMutex held;

  g_mutex_init (&held);
  g_mutex_lock (&held);
  for (guint i = 0; i < G_N_ELEMENTS (works); i++) {
    work_init (&works[i]);
    works[i].held = i == 0 ? &held : NULL;
    cbam_team_submit (team, &works[i].job);
  }
  g_usleep (1000);
  g_assert_cmpuint (works[0].ended, ==, 0);
  g_mutex_unlock (&held);
  cbam_team_wait_idle (team);
  for (guint i = 0; i < G_N_ELEMENTS (works); i++) {
    g_assert_cmpuint (works[i].ended, ==, 1);
    work_clear (&works[i]);
  }
  g_mutex_clear (&held);
  cbam_team_free (team);
}

static double
get_cpu_seconds (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double) used.tv_sec + (double) used.tv_nsec * 1e-9;
}

/* Without a job no thread is awake. */
static void
test_idle (void)
{
  CbamTeam *team = cbam_team_new (THREADS, NULL);
  Work work;
  double before;

  work_init (&work);
  cbam_team_submit (team, &work.job);
  cbam_team_wait (team, &work.job);
  before = get_cpu_seconds ();
  g_usleep (G_USEC_PER_SEC / 2);
  g_assert_cmpfloat (get_cpu_seconds () - before, <, 0.02);
  work_clear (&work);
  cbam_team_free (team);
}

/* Nobody has ever given it anything to do. */
static void
test_unused (void)
{
  CbamTeam *team = cbam_team_new (0, NULL);

  g_assert_cmpuint (cbam_team_get_size (team), ==, 1);
  cbam_team_wait_idle (team);
  cbam_team_free (team);
  cbam_team_free (NULL);
}

static void
test_threads (void)
{
  g_assert_cmpuint (cbam_processor_parse_quota ("max 100000\n"), ==, 0);
  g_assert_cmpuint (cbam_processor_parse_quota ("200000 100000\n"), ==, 2);
  g_assert_cmpuint (cbam_processor_parse_quota ("150000 100000\n"), ==, 2);
  g_assert_cmpuint (cbam_processor_parse_quota ("50000 100000\n"), ==, 1);
  g_assert_cmpuint (cbam_processor_parse_quota (""), ==, 0);
  g_assert_cmpuint (cbam_processor_parse_quota ("5"), ==, 0);
  g_assert_cmpuint (cbam_processor_count_threads (), >=, 1);
  g_assert_cmpuint (cbam_processor_count_threads (), <=, g_get_num_processors ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/team/steps", test_steps);
  g_test_add_func ("/team/together", test_together);
  g_test_add_func ("/team/side-by-side", test_side_by_side);
  g_test_add_func ("/team/streams", test_streams);
  g_test_add_func ("/team/wait-idle", test_wait_idle);
  g_test_add_func ("/team/idle", test_idle);
  g_test_add_func ("/team/unused", test_unused);
  g_test_add_func ("/team/threads", test_threads);
  return g_test_run ();
}
