/* What the processor is, from the kernel's files and the compiler's own questions to it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE /* sched_getaffinity() */

#include "host/processor.h"

#include <sched.h>
#include <string.h>

const char *const cbam_vectors_names[] = {
  [CBAM_VECTORS_PLAIN] = "plain",
  [CBAM_VECTORS_AVX2] = "AVX2",
  [CBAM_VECTORS_AVX512] = "AVX-512",
};

gboolean
cbam_processor_is_device (void)
{
#if !defined(CBAM_HAVE_ONEDNN)
  return FALSE;
#elif defined(__x86_64__)
  return cbam_processor_get_vectors () >= CBAM_VECTORS_AVX2;
#else
  return TRUE;
#endif
}

CbamVectors
cbam_processor_get_vectors (void)
{
#if defined(__x86_64__)
  __builtin_cpu_init ();
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
      __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512cd"))
    return CBAM_VECTORS_AVX512;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma") && __builtin_cpu_supports ("bmi2"))
    return CBAM_VECTORS_AVX2;
#endif
  return CBAM_VECTORS_PLAIN;
}

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

guint
cbam_processor_parse_quota (const char *text)
{
  guint64 quota, period;
  char *end;

  quota = g_ascii_strtoull (text, &end, 10);
  if (end == text) /* "max" */
    return 0;
  period = g_ascii_strtoull (end, NULL, 10);
  return period > 0 ? (guint) MIN ((quota + period - 1) / period, G_MAXUINT) : 0;
}

/* The path of this process's control group below the mounted tree; NULL = it is not of version 2. */
static char *
get_group (void)
{
  g_autofree char *text = NULL;
  char *line, *end;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL) || !(line = strstr (text, "0::/")))
    return NULL;
  line += strlen ("0::");
  end = strchr (line, '\n');
  return g_strndup (line, end != NULL ? (gsize) (end - line) : strlen (line));
}

/* The least of the quotas of this group and those it is in; 0 = no limit. */
static guint
get_quota (void)
{
  g_autofree char *group = get_group ();
  guint least = 0;

  while (group != NULL) {
    g_autofree char *path = g_build_filename ("/sys/fs/cgroup", group, "cpu.max", NULL);
    g_autofree char *text = NULL;
    char *last = strrchr (group, '/');
    const guint quota = g_file_get_contents (path, &text, NULL, NULL) ? cbam_processor_parse_quota (text) : 0;

    if (quota > 0)
      least = least > 0 ? MIN (least, quota) : quota;
    if (last == NULL || g_str_equal (group, "/"))
      break;
    last[last == group ? 1 : 0] = '\0';
  }
  return least;
}

guint
cbam_processor_count_threads (void)
{
  const guint quota = get_quota ();
  guint n = g_get_num_processors ();
  cpu_set_t ours;

  if (sched_getaffinity (0, sizeof ours, &ours) == 0)
    n = (guint) CPU_COUNT (&ours);
  return MAX (quota > 0 ? MIN (n, quota) : n, 1);
}

/* ---- Name -------------------------------------------------------------------------------------------------------- */

char *
cbam_processor_get_name (void)
{
  g_autofree char *text = NULL;
  char *line, *end;

  if (g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL) && (line = strstr (text, "\nmodel name")) &&
      (line = strchr (line, ':'))) {
    end = strchr (line, '\n');
    if (end != NULL)
      *end = '\0';
    return g_strstrip (g_strdup (line + 1));
  }
  return g_strdup ("processor");
}
