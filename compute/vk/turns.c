/* Keeps account of a device's queue and its streams, and says who may submit next; turns.h has the rule.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "vk/turns.h"

#define UNKNOWN_SECONDS 30.0        /* what nobody has timed yet counts as, for as long as it is not finished */
#define MEMORY (G_USEC_PER_SEC / 2) /* so long a stream that was refused counts as one that wants to */
#define SMOOTHING 8                 /* of so many frames is the time that one takes the mean, roughly */

/* By how many frames, the smaller of both, a stream may be ahead of one that wants to: while there is work for a
 * frame's time and more, while there is less, and while there is none, so that a device is not idle for the sake of one
 * that comes rarely. */
#define LEAD 1
#define SHORT_LEAD 2
#define IDLE_LEAD 8

/* How long, in the time that its slots take, the queue may be for a live frame; and for one of the stream that has had
 * least. */
#define PATIENCE 1
#define LONG_PATIENCE 2

typedef struct
{
  guint64 number;
  double seconds;
} Entry;

struct _CbamTurns
{
  GMutex lock;
  GPtrArray *shares; /* CbamShare, borrowed */
  GArray *queue;     /* Entry; the first is being worked on */
  guint64 last;      /* number given */
  double seconds;    /* of all in the queue together */
  gint64 since;      /* when the first one's turn came */
  double level;      /* what whoever got the latest turn had had before it; never falls */
};

CbamTurns *
cbam_turns_new (void)
{
  CbamTurns *turns = g_new0 (CbamTurns, 1);

  g_mutex_init (&turns->lock);
  turns->shares = g_ptr_array_new ();
  turns->queue = g_array_new (FALSE, FALSE, sizeof (Entry));
  return turns;
}

void
cbam_turns_free (CbamTurns *turns)
{
  if (turns == NULL)
    return;
  g_ptr_array_unref (turns->shares);
  g_array_unref (turns->queue);
  g_mutex_clear (&turns->lock);
  g_free (turns);
}

void
cbam_turns_join (CbamTurns *turns, CbamShare *share)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);

  g_ptr_array_add (turns->shares, share);
}

void
cbam_turns_leave (CbamTurns *turns, CbamShare *share)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);

  g_ptr_array_remove_fast (turns->shares, share);
}

/* ---- Asking; with the lock held ---------------------------------------------------------------------------------- */

/* Seconds until the queue is empty, if all goes as it did. What takes longer, or was never fetched by whoever submitted
 * it, does not count for ever. */
static double
get_backlog (const CbamTurns *turns, gint64 now)
{
  return turns->queue->len > 0 ? MAX (turns->seconds - (double) (now - turns->since) * 1e-6, 0) : 0;
}

static double
get_seconds (const CbamTicket *ticket)
{
  return ticket->seconds != NULL && *ticket->seconds > 0 ? *ticket->seconds : UNKNOWN_SECONDS;
}

/* Whether @share is at most @lead frames ahead of each other stream that wants to. */
static gboolean
is_fair (const CbamTurns *turns, const CbamShare *share, guint lead, gint64 now)
{
  for (guint i = 0; i < turns->shares->len; i++) {
    const CbamShare *other = g_ptr_array_index (turns->shares, i);

    if (other != share && now < other->wants && share->had > other->had + lead * MIN (share->cost, other->cost))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_short (const CbamTurns *turns, const CbamTicket *ticket, double backlog, gint64 now)
{
  const guint patience = is_fair (turns, ticket->share, 0, now) ? LONG_PATIENCE : PATIENCE;

  return backlog <= patience * ticket->share->slots * get_seconds (ticket);
}

static gboolean
is_turn (CbamTurns *turns, const CbamTicket *ticket, gint64 now)
{
  const double backlog = get_backlog (turns, now);
  const guint lead = backlog <= 0 ? IDLE_LEAD : backlog < get_seconds (ticket) ? SHORT_LEAD : LEAD;
  CbamShare *share = ticket->share;
  gboolean granted;

  if (share == NULL)
    return TRUE;
  /* Who was not refused has had what it wanted. */
  if (now >= share->wants)
    share->had = MAX (share->had, turns->level);
  granted =
      ticket->turn == CBAM_TURN_NOW ||
      (is_fair (turns, share, lead, now) && (ticket->turn != CBAM_TURN_LIVE || is_short (turns, ticket, backlog, now)));
  if (!granted)
    share->wants = now + MEMORY;
  return granted;
}

gboolean
cbam_turns_ask (CbamTurns *turns, const CbamTicket *ticket, gint64 now)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);

  return is_turn (turns, ticket, now);
}

void
cbam_turns_miss (CbamTurns *turns, const CbamTicket *ticket, gint64 now)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);

  if (ticket->share != NULL && ticket->turn != CBAM_TURN_NOW)
    ticket->share->wants = now + MEMORY;
}

/* ---- The queue ----------------------------------------------------------------------------------------------------
 */

gboolean
cbam_turns_enter (CbamTurns *turns, CbamTicket *ticket, gint64 now)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);
  const Entry entry = { turns->last + 1, get_seconds (ticket) };

  if (!is_turn (turns, ticket, now))
    return FALSE;
  ticket->number = ++turns->last;
  ticket->entered = now;
  if (turns->queue->len == 0)
    turns->since = now;
  g_array_append_val (turns->queue, entry);
  turns->seconds += entry.seconds;
  if (ticket->share != NULL) {
    turns->level = MAX (turns->level, ticket->share->had);
    ticket->share->had += ticket->share->cost;
  }
  return TRUE;
}

/* Takes the first @n out. */
static void
remove_first (CbamTurns *turns, guint n)
{
  for (guint i = 0; i < n; i++)
    turns->seconds -= g_array_index (turns->queue, Entry, i).seconds;
  g_array_remove_range (turns->queue, 0, n);
  if (turns->queue->len == 0)
    turns->seconds = 0; /* exactly */
}

void
cbam_turns_withdraw (CbamTurns *turns, CbamTicket *ticket)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);

  for (guint i = 0; i < turns->queue->len; i++) {
    if (g_array_index (turns->queue, Entry, i).number != ticket->number)
      continue;
    turns->seconds -= g_array_index (turns->queue, Entry, i).seconds;
    g_array_remove_index (turns->queue, i);
    break;
  }
  if (ticket->share != NULL)
    ticket->share->had -= ticket->share->cost;
  ticket->number = 0;
}

void
cbam_turns_finish (CbamTurns *turns, CbamTicket *ticket, gint64 now, gboolean watched)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&turns->lock);
  const double took = (double) (now - MAX (ticket->entered, turns->since)) * 1e-6;
  guint n = 0;

  while (n < turns->queue->len && g_array_index (turns->queue, Entry, n).number <= ticket->number)
    n++;
  ticket->number = 0;
  if (n == 0)
    return; /* somebody behind it was faster to say so */
  if (n == 1 && watched && ticket->seconds != NULL)
    *ticket->seconds += *ticket->seconds > 0 ? (took - *ticket->seconds) / SMOOTHING : took;
  remove_first (turns, n);
  turns->since = now;
}
