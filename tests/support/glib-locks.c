/* GLib's locks in words that ThreadSanitizer understands: a library to be preloaded before a test built with it.
 *
 * GLib's locks, one-time initialisation and atomic reference counts are futexes and atomic operations inside a library
 * that is not instrumented, so that what they order looks unordered. Here they are the same over pthreads and over
 * atomics of instrumented code. GLib's own code keeps using its own (it is linked to them directly), which is right as
 * long as no lock is used from both sides, and none is. What its callers free or close, and what its queues hand over,
 * is told as well.
 *
 * A lock lives behind the pointer that each of GLib's has room for, and is made when it is first used, because zeroed
 * ones need no initialisation. That one is destroyed is not looked at: objects of GStreamer's are, when the last
 * reference goes, and their reference counts are not seen. That the memory around it is freed too early still is.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__ ((visibility ("default")))
#define MAX_ONCE 64 /* initialisations in progress at the same time */

void __tsan_acquire (void *address);
void __tsan_release (void *address);

void AnnotateIgnoreWritesBegin (const char *file, int line);
void AnnotateIgnoreWritesEnd (const char *file, int line);

/* ---- What is behind a pointer ---- */

typedef gpointer (*Make) (void);
typedef int (*Destroy) (gpointer lock);

static void
discard (gpointer lock, Destroy destroy)
{
  AnnotateIgnoreWritesBegin (__FILE__, __LINE__);
  destroy (lock);
  free (lock);
  AnnotateIgnoreWritesEnd (__FILE__, __LINE__);
}

static gpointer
get (gpointer *place, Make make, Destroy destroy)
{
  gpointer there = __atomic_load_n (place, __ATOMIC_ACQUIRE);

  if (there != NULL)
    return there;
  gpointer made = make (), expected = NULL;
  if (__atomic_compare_exchange_n (place, &expected, made, FALSE, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  discard (made, destroy); /* somebody was faster */
  return expected;
}

static void
clear (gpointer *place, Destroy destroy)
{
  gpointer there = __atomic_exchange_n (place, NULL, __ATOMIC_ACQ_REL);

  if (there != NULL)
    discard (there, destroy);
}

/* ---- GMutex and GRecMutex ---- */

static gpointer
make_mutex_of_type (int type)
{
  pthread_mutex_t *made = malloc (sizeof *made);
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_settype (&attributes, type);
  pthread_mutex_init (made, &attributes);
  pthread_mutexattr_destroy (&attributes);
  return made;
}

static gpointer
make_mutex (void)
{
  return make_mutex_of_type (PTHREAD_MUTEX_NORMAL);
}

static gpointer
make_rec_mutex (void)
{
  return make_mutex_of_type (PTHREAD_MUTEX_RECURSIVE);
}

static int
destroy_mutex (gpointer mutex)
{
  return pthread_mutex_destroy (mutex);
}

static pthread_mutex_t *
get_mutex (GMutex *mutex)
{
  return get (&mutex->p, make_mutex, destroy_mutex);
}

static pthread_mutex_t *
get_rec_mutex (GRecMutex *mutex)
{
  return get (&mutex->p, make_rec_mutex, destroy_mutex);
}

EXPORT void
g_mutex_init (GMutex *mutex)
{
  mutex->p = NULL;
}

EXPORT void
g_mutex_clear (GMutex *mutex)
{
  clear (&mutex->p, destroy_mutex);
}

EXPORT void
g_mutex_lock (GMutex *mutex)
{
  pthread_mutex_lock (get_mutex (mutex));
}

EXPORT gboolean
g_mutex_trylock (GMutex *mutex)
{
  return pthread_mutex_trylock (get_mutex (mutex)) == 0;
}

EXPORT void
g_mutex_unlock (GMutex *mutex)
{
  pthread_mutex_unlock (get_mutex (mutex));
}

EXPORT void
g_rec_mutex_init (GRecMutex *mutex)
{
  mutex->p = NULL;
}

EXPORT void
g_rec_mutex_clear (GRecMutex *mutex)
{
  clear (&mutex->p, destroy_mutex);
}

EXPORT void
g_rec_mutex_lock (GRecMutex *mutex)
{
  pthread_mutex_lock (get_rec_mutex (mutex));
}

EXPORT gboolean
g_rec_mutex_trylock (GRecMutex *mutex)
{
  return pthread_mutex_trylock (get_rec_mutex (mutex)) == 0;
}

EXPORT void
g_rec_mutex_unlock (GRecMutex *mutex)
{
  pthread_mutex_unlock (get_rec_mutex (mutex));
}

/* ---- GRWLock ---- */

static gpointer
make_rw_lock (void)
{
  pthread_rwlock_t *made = malloc (sizeof *made);

  pthread_rwlock_init (made, NULL);
  return made;
}

static int
destroy_rw_lock (gpointer lock)
{
  return pthread_rwlock_destroy (lock);
}

static pthread_rwlock_t *
get_rw_lock (GRWLock *lock)
{
  return get (&lock->p, make_rw_lock, destroy_rw_lock);
}

EXPORT void
g_rw_lock_init (GRWLock *lock)
{
  lock->p = NULL;
}

EXPORT void
g_rw_lock_clear (GRWLock *lock)
{
  clear (&lock->p, destroy_rw_lock);
}

EXPORT void
g_rw_lock_writer_lock (GRWLock *lock)
{
  pthread_rwlock_wrlock (get_rw_lock (lock));
}

EXPORT gboolean
g_rw_lock_writer_trylock (GRWLock *lock)
{
  return pthread_rwlock_trywrlock (get_rw_lock (lock)) == 0;
}

EXPORT void
g_rw_lock_writer_unlock (GRWLock *lock)
{
  pthread_rwlock_unlock (get_rw_lock (lock));
}

EXPORT void
g_rw_lock_reader_lock (GRWLock *lock)
{
  pthread_rwlock_rdlock (get_rw_lock (lock));
}

EXPORT gboolean
g_rw_lock_reader_trylock (GRWLock *lock)
{
  return pthread_rwlock_tryrdlock (get_rw_lock (lock)) == 0;
}

EXPORT void
g_rw_lock_reader_unlock (GRWLock *lock)
{
  pthread_rwlock_unlock (get_rw_lock (lock));
}

/* ---- GCond ---- */

static gpointer
make_cond (void)
{
  pthread_cond_t *made = malloc (sizeof *made);
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC); /* g_get_monotonic_time()'s */
  pthread_cond_init (made, &attributes);
  pthread_condattr_destroy (&attributes);
  return made;
}

static int
destroy_cond (gpointer cond)
{
  return pthread_cond_destroy (cond);
}

static pthread_cond_t *
get_cond (GCond *cond)
{
  return get (&cond->p, make_cond, destroy_cond);
}

EXPORT void
g_cond_init (GCond *cond)
{
  cond->p = NULL;
}

EXPORT void
g_cond_clear (GCond *cond)
{
  clear (&cond->p, destroy_cond);
}

EXPORT void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  pthread_cond_wait (get_cond (cond), get_mutex (mutex));
}

EXPORT gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  const struct timespec end = { .tv_sec = end_time / G_USEC_PER_SEC, .tv_nsec = end_time % G_USEC_PER_SEC * 1000 };

  return pthread_cond_timedwait (get_cond (cond), get_mutex (mutex), &end) == 0;
}

EXPORT void
g_cond_signal (GCond *cond)
{
  pthread_cond_signal (get_cond (cond));
}

EXPORT void
g_cond_broadcast (GCond *cond)
{
  pthread_cond_broadcast (get_cond (cond));
}

/* ---- One-time initialisation ---- */

static pthread_mutex_t once_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t once_changed = PTHREAD_COND_INITIALIZER;
static volatile void *in_progress[MAX_ONCE]; /* under the lock; NULL: free */

/* The place of @location, or of a free entry for NULL. */
static volatile void **
find_progress (volatile void *location)
{
  for (guint i = 0; i < MAX_ONCE; i++)
    if (in_progress[i] == location)
      return &in_progress[i];
  if (location == NULL)
    abort ();
  return NULL;
}

EXPORT
gboolean (g_once_init_enter) (volatile void *location)
{
  volatile gsize *value = location;
  gboolean mine = FALSE;

  pthread_mutex_lock (&once_lock);
  while (find_progress (location) != NULL)
    pthread_cond_wait (&once_changed, &once_lock);
  if (__atomic_load_n (value, __ATOMIC_ACQUIRE) == 0) {
    *find_progress (NULL) = location;
    mine = TRUE;
  }
  pthread_mutex_unlock (&once_lock);
  return mine;
}

EXPORT void (g_once_init_leave) (volatile void *location, gsize result)
{
  pthread_mutex_lock (&once_lock);
  __atomic_store_n ((volatile gsize *) location, result, __ATOMIC_RELEASE);
  *find_progress (location) = NULL;
  pthread_cond_broadcast (&once_changed);
  pthread_mutex_unlock (&once_lock);
}

/* GLib 2.80 has these two for pointers. */
EXPORT gboolean (g_once_init_enter_pointer) (void *location);
EXPORT void (g_once_init_leave_pointer) (void *location, gpointer result);

gboolean (g_once_init_enter_pointer) (void *location)
{
  return (g_once_init_enter) (location);
}

void (g_once_init_leave_pointer) (void *location, gpointer result)
{
  (g_once_init_leave) (location, (gsize) result);
}

EXPORT gpointer
g_once_impl (GOnce *once, GThreadFunc func, gpointer arg)
{
  pthread_mutex_lock (&once_lock);
  while (once->status == G_ONCE_STATUS_PROGRESS)
    pthread_cond_wait (&once_changed, &once_lock);
  if (once->status != G_ONCE_STATUS_READY) {
    once->status = G_ONCE_STATUS_PROGRESS;
    pthread_mutex_unlock (&once_lock);
    gpointer value = func (arg);
    pthread_mutex_lock (&once_lock);
    once->retval = value;
    __atomic_store_n (&once->status, G_ONCE_STATUS_READY, __ATOMIC_RELEASE);
    pthread_cond_broadcast (&once_changed);
  }
  pthread_mutex_unlock (&once_lock);
  return once->retval;
}

/* ---- Reference counts ---- */

EXPORT void (g_atomic_ref_count_inc) (gatomicrefcount *count)
{
  __atomic_fetch_add (count, 1, __ATOMIC_ACQ_REL);
}

EXPORT
gboolean (g_atomic_ref_count_dec) (gatomicrefcount *count)
{
  return __atomic_fetch_sub (count, 1, __ATOMIC_ACQ_REL) == 1;
}

/* ---- Memory: a jump, so that what GLib or GStreamer frees is still known as theirs, and what we free as ours ---- */

#define JUMPS __attribute__ ((no_sanitize_thread, optimize ("O2", "optimize-sibling-calls")))

EXPORT JUMPS void (g_free) (gpointer memory)
{
  free (memory);
}

#if GLIB_CHECK_VERSION(2, 76, 0)
EXPORT JUMPS void
g_free_sized (gpointer memory, G_GNUC_UNUSED gsize size)
{
  free (memory);
}
#endif

/* ---- Files: their numbers are given again, so it must be seen that one was closed ---- */

EXPORT gboolean
g_close (int fd, GError **error)
{
  const gboolean closed = close (fd) == 0;

  if (!closed)
    g_set_error_literal (error, G_FILE_ERROR, g_file_error_from_errno (errno), g_strerror (errno));
  return closed;
}

/* ---- Queues between threads: GLib's own, but what they order is told ---- */

#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

EXPORT void
g_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  REAL (g_async_queue_push) (queue, data);
}

EXPORT gpointer
g_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data = REAL (g_async_queue_pop) (queue);

  __tsan_acquire (queue);
  return data;
}

EXPORT gpointer
g_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer data = REAL (g_async_queue_try_pop) (queue);

  __tsan_acquire (queue);
  return data;
}

EXPORT gpointer
g_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  gpointer data = REAL (g_async_queue_timeout_pop) (queue, timeout);

  __tsan_acquire (queue);
  return data;
}

/* ---- Libraries ---- */

int dlclose (void *handle);

/* A library that was suppressed by its name must not go and come again at another address, as a Vulkan driver does. */
EXPORT int
dlclose (G_GNUC_UNUSED void *handle)
{
  return 0;
}
