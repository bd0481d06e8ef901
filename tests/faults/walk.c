/* The walk over all calls, and what must be true after each.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "walk.h"

#include <cbamdetect/cbamdetect.h>
#include <dlfcn.h>
#include <string.h>

#define MOST_CALLS 2000 /* of one entry point in one run: more and something repeats itself */

static const struct
{
  const char *name;
  VkResult results[FAULTS_MAX_RESULTS];
} calls[] = {
#define X(call, ...) { #call, { __VA_ARGS__ } },
  FAULTS_CALLS (X)
#undef X
};

/* What may fail without anybody being the worse for it. */
static const struct
{
  FaultsCall call;
  const char *walk; /* NULL = any */
  const char *reason;
} survived[] = {
  { FAULTS_vkEnumerateDeviceExtensionProperties, NULL, "without a list of extensions, frames are copied" },
  { FAULTS_vkEnumeratePhysicalDevices, "adopt", "the number of somebody else's device is not known then" },
  { FAULTS_vkWaitForFences, NULL, "the device works on; the wait is tried again" },
  { FAULTS_vkGetMemoryHostPointerPropertiesEXT, NULL, "a frame that cannot be read in place is copied" },
  { FAULTS_vkCreateBuffer, "frames", "the same" },
  { FAULTS_vkAllocateMemory, "frames", "the same" },
  { FAULTS_vkBindBufferMemory, "frames", "the same" },
  { FAULTS_vkCreateBuffer, "shutdown", "the same" },
  { FAULTS_vkAllocateMemory, "shutdown", "the same" },
  { FAULTS_vkBindBufferMemory, "shutdown", "the same" },
  { FAULTS_vkWaitForFences, "shutdown", "nobody is there to be told" },
};

/* What the loader calls for itself when it is called: its own call is what failed. */
static const struct
{
  FaultsCall call;
  const char *reported;
} by_loader[] = {
  { FAULTS_vkEnumerateDeviceExtensionProperties, "vkCreateDevice" },
  { FAULTS_vkEnumeratePhysicalDevices, "vkCreateDevice" },
};

/* What makes a pipeline, and what a device keeps of it until it goes itself (vk/pipeline.h). */
static const FaultsCall making_pipelines[] = {
  FAULTS_vkCreateDescriptorSetLayout,
  FAULTS_vkCreatePipelineLayout,
  FAULTS_vkCreateShaderModule,
  FAULTS_vkCreateComputePipelines,
};
static const char *const kept[] = { "VkDescriptorSetLayout ", "VkPipelineLayout ", "VkPipeline ", NULL };

static const Faults *faults;
static guint n_failed[FAULTS_N_CALLS];

const Faults *
faults_open (void)
{
  void *library = dlopen (g_getenv ("CBAM_TEST_LAYER"), RTLD_NOW);
  FaultsGet get = library != NULL ? (FaultsGet) dlsym (library, FAULTS_SYMBOL) : NULL;

  if (get == NULL)
    g_error ("%s", dlerror ());
  faults = get ();
  return faults;
}

static gboolean
makes_pipeline (FaultsCall call)
{
  for (guint i = 0; i < G_N_ELEMENTS (making_pipelines); i++)
    if (making_pipelines[i] == call)
      return TRUE;
  return FALSE;
}

static gboolean
is_kept (const char *line)
{
  for (guint i = 0; kept[i] != NULL; i++)
    if (g_str_has_prefix (line, kept[i]))
      return TRUE;
  return FALSE;
}

static gboolean
may_survive (const Walk *walk, FaultsCall call)
{
  for (guint i = 0; i < G_N_ELEMENTS (survived); i++)
    if (survived[i].call == call && (survived[i].walk == NULL || strcmp (survived[i].walk, walk->name) == 0))
      return TRUE;
  return FALSE;
}

static CbamError
code_of (VkResult result)
{
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_FRAGMENTATION: return CBAM_ERROR_OUT_OF_MEMORY;
    case VK_ERROR_DEVICE_LOST: return CBAM_ERROR_DEVICE_LOST;
    case VK_ERROR_INCOMPATIBLE_DRIVER: return CBAM_ERROR_NO_DEVICE;
    default: return CBAM_ERROR_FAILED;
  }
}

/* ---- What must be true ------------------------------------------------------------------------------------------- */

static void
assert_no_complaints (const char *where)
{
  g_autofree char *text = faults->get_complaints ();

  if (text != NULL)
    g_error ("%s: %s", where, text);
}

/* How many of each kind are alive, a line each, but for what the device keeps. */
static char *
count_alive (void)
{
  g_autofree char *text = faults->list_alive ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) counts = g_string_new (NULL);

  for (guint i = 0, n = 1; lines[i] != NULL && *lines[i]; i++, n++) {
    const gsize length = strcspn (lines[i], " ") + 1;

    if (lines[i + 1] != NULL && strncmp (lines[i], lines[i + 1], length) == 0)
      continue;
    if (!is_kept (lines[i]))
      g_string_append_printf (counts, "%s %u\n", g_strdelimit (lines[i], " ", '\0'), n);
    n = 0;
  }
  return g_strdup (counts->str);
}

static void
assert_alive (const char *where, const char *before)
{
  g_autofree char *now = count_alive ();

  if (strcmp (now, before) != 0)
    g_error ("%s: alive before:\n%safter:\n%s", where, before, now);
}

/* The error names the call, or the loader's. */
static void
assert_names_call (const char *where, const GError *error, FaultsCall call, VkResult result)
{
  for (guint i = 0; i < G_N_ELEMENTS (by_loader); i++)
    if (by_loader[i].call == call && strstr (error->message, by_loader[i].reported))
      return;
  if (!strstr (error->message, calls[call].name) || strstr (error->message, "unknown"))
    g_error ("%s: the error does not say what failed: %s", where, error->message);
  g_assert_error (error, CBAM_ERROR, (gint) code_of (result));
}

/* Without faults. */
static char *
run_well (const Walk *walk, const char *where)
{
  GString *seen = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  faults->reset ();
  if (!walk->run (seen, &error))
    g_error ("%s: %s", where, error->message);
  assert_no_complaints (where);
  return g_string_free (seen, FALSE);
}

static void
assert_runs_well (const Walk *walk, const char *where, const char *expected)
{
  g_autofree char *seen = run_well (walk, where);

  if (strcmp (seen, expected) != 0)
    g_error ("%s: saw\n%s\nexpected\n%s", where, seen, expected);
}

static void
forget (const Walk *walk)
{
  faults->reset ();
  if (walk->forget != NULL)
    walk->forget ();
}

static void
prepare (const Walk *walk)
{
  faults->reset ();
  if (walk->prepare != NULL)
    walk->prepare ();
}

static void
finish (const Walk *walk)
{
  faults->reset ();
  if (walk->finish != NULL)
    walk->finish ();
}

/* What it sees, what stays alive after it, and what it calls. */
typedef struct
{
  char *seen, *alive;
  guint n_calls[FAULTS_N_CALLS];
} Expected;

static Expected
run_first (const Walk *walk)
{
  g_autofree char *where = g_strdup_printf ("%s without faults", walk->name);
  Expected expected;

  forget (walk);
  prepare (walk);
  expected.seen = run_well (walk, where);
  for (guint call = 0; call < FAULTS_N_CALLS; call++)
    expected.n_calls[call] = faults->count (call);
  finish (walk);
  expected.alive = count_alive ();
  return expected;
}

static void
expected_clear (Expected *expected)
{
  g_free (expected->seen);
  g_free (expected->alive);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Expected, expected_clear)

/* As ever, from the beginning to the end. */
static void
run_again (const Walk *walk, const char *where, const Expected *expected)
{
  prepare (walk);
  assert_runs_well (walk, where, expected->seen);
  finish (walk);
  assert_alive (where, expected->alive);
}

/* ---- Failing calls ----------------------------------------------------------------------------------------------- */

/* The @n-th call gives @result. FALSE: there is no such call, and all went well. */
static gboolean
fail_one (const Walk *walk, FaultsCall call, guint n, VkResult result, const Expected *expected)
{
  g_autofree char *where = g_strdup_printf ("%s, %s %u giving %d", walk->name, calls[call].name, n, result);
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean ok, struck;

  if (makes_pipeline (call))
    forget (walk);
  prepare (walk);
  faults->fail_at (call, n, result);
  ok = walk->run (seen, &error);
  struck = faults->has_struck ();
  assert_no_complaints (where);
  if (ok && struck && !may_survive (walk, call))
    g_error ("%s: it went unnoticed", where);
  if (ok && strcmp (seen->str, expected->seen) != 0)
    g_error ("%s: saw\n%s\nexpected\n%s", where, seen->str, expected->seen);
  if (!ok && !struck)
    g_error ("%s: failed by itself: %s", where, error->message);
  if (!ok)
    assert_names_call (where, error, call, result);
  if (!ok && walk->again && result != VK_ERROR_DEVICE_LOST)
    assert_runs_well (walk, where, expected->seen);
  finish (walk);
  assert_alive (where, expected->alive);
  n_failed[call] += struck;
  return struck;
}

static void
walk_result (const Walk *walk, FaultsCall call, VkResult result, gboolean whole, const Expected *expected)
{
  guint most = walk->most > 0 ? walk->most : MOST_CALLS;

  if (!whole)
    most = MIN (walk->quick > 0 ? walk->quick : most, expected->n_calls[call]);
  for (guint n = 1; n <= most && fail_one (walk, call, n, result, expected); n++) {
    g_assert_cmpuint (n, <, MOST_CALLS);
    if (whole && walk->most == 0 && !walk->again)
      run_again (walk, "after a failure", expected);
  }
}

void
walk_calls (const Walk *walk, gboolean whole)
{
  g_auto (Expected) expected = run_first (walk);

  for (guint call = 0; call < FAULTS_N_CALLS; call++)
    for (guint r = 0; r < FAULTS_MAX_RESULTS && calls[call].results[r] != VK_SUCCESS; r++)
      if (expected.n_calls[call] > 0 && (whole || r == 0 || calls[call].results[r] == VK_ERROR_DEVICE_LOST))
        walk_result (walk, call, calls[call].results[r], whole, &expected);
  run_again (walk, "after all failures", &expected);
}

/* ---- Hanging devices --------------------------------------------------------------------------------------------- */

/* From the @n-th submission on. FALSE: there is no such submission. */
static gboolean
hang_one (const Walk *walk, guint n, const Expected *expected)
{
  g_autofree char *where = g_strdup_printf ("%s, hanging from submission %u on", walk->name, n);
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean ok, struck;

  prepare (walk);
  faults->hang (n);
  ok = walk->run (seen, &error);
  struck = faults->has_struck ();
  assert_no_complaints (where);
  if (ok && struck && !may_survive (walk, FAULTS_vkWaitForFences))
    g_error ("%s: it went unnoticed", where);
  if (ok && !struck)
    g_assert_cmpstr (seen->str, ==, expected->seen);
  if (!ok)
    g_assert_error (error, CBAM_ERROR, CBAM_ERROR_TIMEOUT);
  finish (walk);
  return struck;
}

void
walk_hangs (const Walk *walk)
{
  const guint most = walk->most > 0 ? walk->most : MOST_CALLS;
  g_auto (Expected) expected = run_first (walk);

  for (guint n = 1; n <= most && hang_one (walk, n, &expected); n++)
    g_assert_cmpuint (n, <, MOST_CALLS);
  run_again (walk, "after a device that hung", &expected);
}

void
walk_count (guint *ret_calls, guint *ret_entry_points)
{
  *ret_calls = *ret_entry_points = 0;
  for (guint call = 0; call < FAULTS_N_CALLS; call++) {
    *ret_calls += n_failed[call];
    *ret_entry_points += n_failed[call] > 0;
  }
}
