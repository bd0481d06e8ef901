/* Files that the programs make: whole or not at all, and never in the place of something that is no file.
 * output.py is the same for programs in Python.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOST_LINKS 40 /* in a row, as in Linux */
#define NEW_MODE 0666

typedef struct
{
  const guint8 *data;
  gsize size;
} Content;

static gboolean
write_all (int file, const Content *content)
{
  gsize done = 0;
  while (done < content->size) {
    const gssize n = write (file, content->data + done, content->size - done);
    if (n < 0 && errno != EINTR)
      return FALSE;
    done += n > 0 ? (gsize) n : 0;
  }
  return TRUE;
}

/* Closes @file, and keeps the errno of what has failed before. */
static gboolean
close_file (int file, gboolean ok)
{
  const int saved = errno;
  const gboolean closed = close (file) == 0;
  if (ok)
    return closed;
  errno = saved;
  return FALSE;
}

/* Into whatever is there. */
static gboolean
write_into (const char *path, int flags, const Content *content)
{
  const int file = g_open (path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, NEW_MODE);
  return file >= 0 && close_file (file, write_all (file, content));
}

/* Whether names in @folder are the kernel's, as those below /proc/self/fd: their links lead to open files, not to
 * names. */
static gboolean
is_proc (const char *folder)
{
  struct statfs info;
  return statfs (folder, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* Where the links that begin at @path end: the name of a file that may not exist. %NULL with errno set where they do
 * not end, or end at one of the process's open files (errno is 0 then). */
static char *
follow_links (const char *path)
{
  g_autofree char *name = g_strdup (path);
  for (guint i = 0; i <= MOST_LINKS; i++) {
    g_autofree char *folder = g_path_get_dirname (name);
    g_autofree char *target = g_file_read_link (name, NULL);
    errno = 0;
    if (target == NULL)
      return g_steal_pointer (&name);
    if (is_proc (folder)) {
      errno = 0;
      return NULL;
    }
    g_free (name);
    name = g_path_is_absolute (target) ? g_steal_pointer (&target) : g_build_filename (folder, target, NULL);
  }
  errno = ELOOP;
  return NULL;
}

/* As mkstemp() makes it, with the mode and the owner of the file that it is to replace, if there is one. */
static int
open_part (const char *name, const struct stat *old, char **ret_part)
{
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *part = g_build_filename (folder, ".cbam-XXXXXX", NULL);
  const int file = g_mkstemp_full (part, O_WRONLY | O_CLOEXEC, 0600);
  struct stat own;
  if (file < 0)
    return -1;

  const mode_t mask = umask (0);
  umask (mask);
  gboolean ok = fstat (file, &own) == 0;
  if (ok && old != NULL && (own.st_uid != old->st_uid || own.st_gid != old->st_gid))
    ok = fchown (file, old->st_uid, old->st_gid) == 0;
  ok = ok && fchmod (file, old != NULL ? old->st_mode & 07777 : NEW_MODE & ~mask) == 0;
  if (ok) {
    *ret_part = g_steal_pointer (&part);
    return file;
  }
  close_file (file, FALSE);
  g_unlink (part);
  return -1;
}

/* Puts a new file in the place of @name. Returns whether that is settled, well or badly: where it is not, the bytes may
 * still go into the file that is there. */
static gboolean
replace (const char *name, const struct stat *old, const Content *content, gboolean *ret_ok)
{
  g_autofree char *part = NULL;
  const int file = open_part (name, old, &part);
  *ret_ok = FALSE;
  if (file < 0)
    return old == NULL || errno == ENOSPC || errno == EDQUOT;

  const gboolean is_written = close_file (file, write_all (file, content));
  *ret_ok = is_written && g_rename (part, name) == 0;
  if (*ret_ok)
    return TRUE;
  const int saved = errno;
  g_unlink (part);
  errno = saved;
  return !is_written || old == NULL;
}

static gboolean
write_file (const char *path, const struct stat *old, const Content *content)
{
  gboolean ok;
  g_autofree char *name = follow_links (path);
  if (name == NULL && errno != 0)
    return FALSE;
  if (old != NULL && faccessat (AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
    return FALSE;
  if (name != NULL && (old == NULL || old->st_nlink == 1) && replace (name, old, content, &ok))
    return ok;
  return write_into (path, O_TRUNC, content);
}

gboolean
output_file_write (const char *path, gconstpointer data, gsize size, GError **error)
{
  const Content content = { data, size };
  struct stat there;
  gboolean ok;
  if (stat (path, &there) != 0) {
    ok = errno == ENOENT && write_file (path, NULL, &content);
  } else if (S_ISDIR (there.st_mode)) {
    errno = EISDIR;
    ok = FALSE;
  } else {
    ok = S_ISREG (there.st_mode) ? write_file (path, &there, &content) : write_into (path, 0, &content);
  }
  if (ok)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write '%s': %s", path, g_strerror (errno));
  return FALSE;
}
