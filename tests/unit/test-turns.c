/* Turns on a device: streams in made-up time, on a device that takes what they say, get their share of it and no frame
 * is long in its queue.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "vk/turns.h"

#define TICK 1000        /* microseconds */
#define START 1000000000 /* any; but 0 is no time */
#define MAX_STREAMS 6
#define MAX_SLOTS 4

/* A stream: a frame comes every @period, the first at @phase (microseconds); 0: there always is one. */
typedef struct
{
  CbamTurn turn;
  guint slots, period, phase, cost; /* the device takes @cost microseconds for a frame */
  gint64 from;

  double seconds; /* what is known of that */
  CbamShare share;
  CbamTicket tickets[MAX_SLOTS];
  guint n_in_queue, head;
  guint n_inferred, n_frames;
  gint64 longest; /* from submitting to the end */
} Stream;

typedef struct
{
  Stream *stream;
  CbamTicket *ticket;
  gint64 submitted;
} Job;

typedef struct
{
  CbamTurns *turns;
  Stream *streams;
  guint n_streams;
  GQueue jobs; /* Job; the first one runs */
  gint64 ends; /* when it will have run */
  gint64 now, busy;
} Device;

static void
work (Device *device)
{
  Job *job = g_queue_peek_head (&device->jobs);

  device->busy += job != NULL ? TICK : 0;
  if (job == NULL || device->now < device->ends)
    return;
  cbam_turns_finish (device->turns, job->ticket, device->now, TRUE);
  job->stream->longest = MAX (job->stream->longest, device->now - job->submitted);
  job->stream->n_in_queue--;
  job->stream->n_inferred++;
  g_free (g_queue_pop_head (&device->jobs));
  job = g_queue_peek_head (&device->jobs);
  if (job != NULL)
    device->ends = device->now + job->stream->cost;
}

static void
offer_frame (Device *device, Stream *stream)
{
  CbamTicket ticket = { .share = &stream->share, .turn = stream->turn, .seconds = &stream->seconds };
  Job *job;

  stream->n_frames++;
  if (stream->n_in_queue == stream->slots) {
    cbam_turns_miss (device->turns, &ticket, device->now);
    return;
  }
  if (!cbam_turns_enter (device->turns, &ticket, device->now))
    return;
  job = g_new (Job, 1);
  *job = (Job){ stream, &stream->tickets[stream->head], device->now };
  *job->ticket = ticket;
  stream->head = (stream->head + 1) % stream->slots;
  stream->n_in_queue++;
  if (g_queue_is_empty (&device->jobs))
    device->ends = device->now + stream->cost;
  g_queue_push_tail (&device->jobs, job);
}

/* Runs @streams for so many seconds. Returns the share of the time that the device was at work. */
static double
run (Stream *streams, guint n, guint seconds)
{
  Device device = { .turns = cbam_turns_new (), .streams = streams, .n_streams = n, .now = START };
  const gint64 end = START + seconds * G_USEC_PER_SEC;

  for (guint s = 0; s < n; s++) {
    streams[s].share = (CbamShare){ .cost = (double) streams[s].cost / streams[s].slots, .slots = streams[s].slots };
    streams[s].seconds = streams[s].cost * 1e-6;
    cbam_turns_join (device.turns, &streams[s].share);
  }
  for (; device.now < end; device.now += TICK) {
    work (&device);
    for (guint s = 0; s < n; s++) {
      const gint64 age = device.now - START - streams[s].phase / TICK * TICK;

      if (age >= streams[s].from && (streams[s].period == 0 || age % (streams[s].period / TICK * TICK) == 0))
        offer_frame (&device, &streams[s]);
    }
  }
  g_queue_clear_full (&device.jobs, g_free);
  for (guint s = 0; s < n; s++)
    cbam_turns_leave (device.turns, &streams[s].share);
  cbam_turns_free (device.turns);
  for (guint s = 0; s < n; s++)
    g_test_message ("stream %u: %u of %u frames, the longest took %.0f ms", s, streams[s].n_inferred,
                    streams[s].n_frames, (double) streams[s].longest * 1e-3);
  return (double) device.busy / (double) (end - START);
}

/* ---- Tests --------------------------------------------------------------------------------------------------------
 */

/* Four at 30 a second, in phases of all kinds, on devices from a tenth of what they want to just too little. */
static void
test_alike (void)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (guint i = 0; i < 60; i++) {
    const guint costs[] = { 150000, 70000, 35000, 12000, 9000 }, slots = 1 + i % 2;
    Stream streams[4] = { 0 };
    guint least = G_MAXUINT, most = 0;
    double busy;

    for (guint s = 0; s < 4; s++)
      streams[s] = (Stream){ .turn = CBAM_TURN_LIVE,
                             .slots = slots,
                             .period = 33000,
                             .phase = (guint) g_rand_int_range (rand, 0, i % 3 == 0 ? 3000 : 33000),
                             .cost = costs[i % G_N_ELEMENTS (costs)] };
    busy = run (streams, 4, 12);
    for (guint s = 0; s < 4; s++) {
      least = MIN (least, streams[s].n_inferred);
      most = MAX (most, streams[s].n_inferred);
      /* Behind so much as it would have there itself, and what has just begun. */
      g_assert_cmpint (streams[s].longest, <=, (2 * slots + 1) * streams[s].cost + 2 * TICK);
    }
    g_test_message ("%u us, %u slots: %u to %u; busy %.2f", streams[0].cost, slots, least, most, busy);
    g_assert_cmpuint (most - least, <=, MAX (2, most * 5 / 100));
    /* With one slot each, four that come at the same time once in a while leave a gap behind them. */
    g_assert_cmpfloat (busy, >, slots == 1 ? 0.7 : 0.97);
  }
  g_rand_free (rand);
}

/* One alone is never refused. */
static void
test_alone (void)
{
  for (guint slots = 1; slots <= MAX_SLOTS; slots++) {
    Stream stream = { .turn = CBAM_TURN_LIVE, .slots = slots, .period = 33000, .cost = 50000 };
    Stream free_running = { .turn = CBAM_TURN_NOW, .slots = slots, .period = 33000, .cost = 50000 };

    run (&stream, 1, 10);
    run (&free_running, 1, 10);
    g_assert_cmpuint (stream.n_inferred, ==, free_running.n_inferred);
  }
}

/* A network that takes twenty times as long beside a quick one: both get something of the order of half the device, and
 * the quick one's frames never wait for the slow one's. */
static void
test_unlike (void)
{
  Stream streams[] = {
    { .turn = CBAM_TURN_LIVE, .slots = 2, .period = 33000, .cost = 35000 },
    { .turn = CBAM_TURN_LIVE, .slots = 2, .period = 33000, .phase = 11000, .cost = 650000 },
  };
  const double busy = run (streams, 2, 60);

  g_assert_cmpfloat (busy, >, 0.9);
  g_assert_cmpint (streams[0].longest, <=, 5 * 35000);
  g_assert_cmpfloat (streams[0].n_inferred * 0.035, >, 60 * 0.3);
  g_assert_cmpfloat (streams[1].n_inferred * 0.650, >, 60 * 0.3);
}

/* One that comes rarely gets all it wants, and the others do not have to wait for it. */
static void
test_rare (void)
{
  Stream streams[4] = { 0 };
  double busy;

  for (guint s = 0; s < 4; s++)
    streams[s] =
        (Stream){ .turn = CBAM_TURN_LIVE, .slots = 2, .period = s ? 33000 : 400000, .phase = 7000 * s, .cost = 50000 };
  busy = run (streams, 4, 40);
  g_assert_cmpuint (streams[0].n_inferred, >=, streams[0].n_frames * 8 / 10);
  for (guint s = 2; s < 4; s++)
    g_assert_cmpuint (ABS ((int) streams[s].n_inferred - (int) streams[1].n_inferred), <=, 4);
  g_assert_cmpfloat (busy, >, 0.9);
}

/* Files, which always have a frame, and live streams. */
static void
test_files (void)
{
  Stream streams[4] = { 0 };
  double busy;

  for (guint s = 0; s < 4; s++)
    streams[s] = (Stream){ .turn = s < 2 ? CBAM_TURN_LIVE : CBAM_TURN_FAIR,
                           .slots = 2,
                           .period = s < 2 ? 33000 : 0,
                           .phase = s * 5000,
                           .cost = 40000 };
  busy = run (streams, 4, 30);
  for (guint s = 1; s < 4; s++)
    g_assert_cmpuint (ABS ((int) streams[s].n_inferred - (int) streams[0].n_inferred), <=,
                      streams[0].n_inferred * 15 / 100);
  g_assert_cmpfloat (busy, >, 0.97);
}

/* Shares go by slots. */
static void
test_slots (void)
{
  Stream streams[2] = { 0 };

  for (guint s = 0; s < 2; s++)
    streams[s] =
        (Stream){ .turn = CBAM_TURN_FAIR, .slots = s ? 4 : 2, .period = 10000, .phase = s * 3000, .cost = 40000 };
  run (streams, 2, 30);
  g_assert_cmpfloat ((double) streams[1].n_inferred / streams[0].n_inferred, >, 1.8);
  g_assert_cmpfloat ((double) streams[1].n_inferred / streams[0].n_inferred, <, 2.2);
}

/* One that comes later has saved nothing up. */
static void
test_newcomer (void)
{
  Stream streams[3] = { 0 };
  double third;

  for (guint s = 0; s < 3; s++)
    streams[s] = (Stream){ .turn = CBAM_TURN_LIVE,
                           .slots = 2,
                           .period = 33000,
                           .phase = s * 9000,
                           .cost = 40000,
                           .from = s == 2 ? 20 * G_USEC_PER_SEC : 0 };
  run (streams, 3, 30);
  third = streams[2].n_inferred;
  g_assert_cmpfloat (third, >, 10 / 0.040 / 3 - 6);
  g_assert_cmpfloat (third, <, 10 / 0.040 / 3 + 6);
}

/* Nobody knows how long a network's first frame takes: live streams do not stand behind it, but not for ever if it is
 * never fetched. */
static void
test_unknown (void)
{
  CbamTurns *turns = cbam_turns_new ();
  CbamShare live = { .cost = 1, .slots = 2 };
  double seconds = 0.010;
  CbamTicket first = { 0 }, next = { .share = &live, .turn = CBAM_TURN_LIVE, .seconds = &seconds };

  cbam_turns_join (turns, &live);
  g_assert_true (cbam_turns_enter (turns, &first, START));
  g_assert_false (cbam_turns_ask (turns, &next, START + 1));
  g_assert_false (cbam_turns_enter (turns, &next, START + G_USEC_PER_SEC));
  cbam_turns_finish (turns, &first, START + G_USEC_PER_SEC, TRUE);
  g_assert_true (cbam_turns_enter (turns, &next, START + G_USEC_PER_SEC));
  cbam_turns_withdraw (turns, &next);
  g_assert_cmpfloat (live.had, ==, 0);

  g_assert_true (cbam_turns_enter (turns, &first, START));
  g_assert_false (cbam_turns_ask (turns, &next, START + G_USEC_PER_SEC));
  g_assert_true (cbam_turns_ask (turns, &next, START + 60 * G_USEC_PER_SEC));
  cbam_turns_leave (turns, &live);
  cbam_turns_free (turns);
  cbam_turns_free (NULL);
}

/* What a frame takes is learned from those that were waited for, each from when it was its turn. */
static void
test_timing (void)
{
  CbamTurns *turns = cbam_turns_new ();
  CbamShare share = { .cost = 1, .slots = 4 };
  double seconds = 0;
  CbamTicket tickets[4];

  cbam_turns_join (turns, &share);
  for (guint i = 0; i < 4; i++) {
    tickets[i] = (CbamTicket){ .share = &share, .seconds = &seconds };
    g_assert_true (cbam_turns_enter (turns, &tickets[i], START));
  }
  cbam_turns_finish (turns, &tickets[0], START + 40000, TRUE);
  g_assert_cmpfloat_with_epsilon (seconds, 0.040, 1e-9);
  cbam_turns_finish (turns, &tickets[1], START + 80000, TRUE);
  g_assert_cmpfloat_with_epsilon (seconds, 0.040, 1e-9);
  cbam_turns_finish (turns, &tickets[3], START + 300000, TRUE); /* which had another before it */
  cbam_turns_finish (turns, &tickets[2], START + 300000, TRUE);
  g_assert_cmpfloat_with_epsilon (seconds, 0.040, 1e-9);
  g_assert_true (cbam_turns_enter (turns, &tickets[0], START + 400000));
  cbam_turns_finish (turns, &tickets[0], START + 900000, FALSE); /* fetched late */
  g_assert_cmpfloat_with_epsilon (seconds, 0.040, 1e-9);
  g_assert_true (cbam_turns_enter (turns, &tickets[0], START + 1000000));
  cbam_turns_finish (turns, &tickets[0], START + 1120000, TRUE);
  g_assert_cmpfloat_with_epsilon (seconds, 0.050, 1e-9);
  cbam_turns_leave (turns, &share);
  cbam_turns_free (turns);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/turns/alike", test_alike);
  g_test_add_func ("/turns/alone", test_alone);
  g_test_add_func ("/turns/unlike", test_unlike);
  g_test_add_func ("/turns/rare", test_rare);
  g_test_add_func ("/turns/files", test_files);
  g_test_add_func ("/turns/slots", test_slots);
  g_test_add_func ("/turns/newcomer", test_newcomer);
  g_test_add_func ("/turns/unknown", test_unknown);
  g_test_add_func ("/turns/timing", test_timing);
  return g_test_run ();
}
