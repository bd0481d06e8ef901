/* A control for tests/tsan.sh: what is right must pass, and what is wrong must be found.
 *
 *     tsan-control locked|handed|once|counted     GLib's means of order: no report
 *     tsan-control unlocked|early|freed           the same without: a report
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib.h>
#include <string.h>

#define ROUNDS 1000

typedef struct
{
  gatomicrefcount refs;
  guint number;
} Shared;

static GMutex lock;
static GCond changed;
static gboolean ready;
static guint number;
static Shared *shared;

static gpointer
count_locked (G_GNUC_UNUSED gpointer data)
{
  for (guint i = 0; i < ROUNDS; i++) {
    g_mutex_lock (&lock);
    number++;
    g_mutex_unlock (&lock);
  }
  return NULL;
}

static gpointer
count_unlocked (G_GNUC_UNUSED gpointer data)
{
  for (guint i = 0; i < ROUNDS; i++)
    number++;
  return NULL;
}

/* Either thread hands the number on: one waits, the other wakes it. */
static gpointer
hand_over (gpointer first)
{
  if (!first)
    number = 1;
  g_mutex_lock (&lock);
  if (!first) {
    ready = TRUE;
    g_cond_signal (&changed);
  }
  while (!ready)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
  if (first)
    number++;
  return NULL;
}

static gpointer
take_early (gpointer first)
{
  if (first)
    g_usleep (100000); /* long after it was written, and yet nothing says so */
  number++;
  return NULL;
}

static gpointer
initialise_once (G_GNUC_UNUSED gpointer data)
{
  static gsize done;

  if (g_once_init_enter (&done)) {
    number = 1;
    g_once_init_leave (&done, 1);
  }
  return GUINT_TO_POINTER (number);
}

static gpointer
drop_counted (G_GNUC_UNUSED gpointer data)
{
  Shared *mine = shared;
  const guint seen = mine->number;

  if (g_atomic_ref_count_dec (&mine->refs)) {
    mine->number = 0;
    g_free (mine);
  }
  return GUINT_TO_POINTER (seen);
}

static gpointer
drop_freed (gpointer first)
{
  if (first)
    g_usleep (100000);
  else
    shared->number = 1;
  if (first)
    g_free (shared);
  return NULL;
}

static const struct
{
  const char *name;
  GThreadFunc func;
} modes[] = {
  { "locked", count_locked },     { "handed", hand_over }, { "once", initialise_once }, { "counted", drop_counted },
  { "unlocked", count_unlocked }, { "early", take_early }, { "freed", drop_freed },
};

int
main (int argc, char **argv)
{
  shared = g_new0 (Shared, 1);
  g_atomic_ref_count_init (&shared->refs);
  g_atomic_ref_count_inc (&shared->refs);
  for (guint i = 0; argc == 2 && i < G_N_ELEMENTS (modes); i++) {
    if (strcmp (argv[1], modes[i].name) != 0)
      continue;
    GThread *first = g_thread_new ("first", modes[i].func, GINT_TO_POINTER (TRUE));
    GThread *second = g_thread_new ("second", modes[i].func, NULL);
    g_thread_join (first);
    g_thread_join (second);
    return 0;
  }
  g_printerr ("usage: tsan-control locked|handed|once|counted|unlocked|early|freed\n");
  return 2;
}
