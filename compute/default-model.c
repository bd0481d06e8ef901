/* Where the model that ships with the project lies: what runs when nobody names another.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>

#include "cbamdetect/model.h"
#include "cbamdetect/types.h"

/* The folder that this code was loaded from, or NULL. */
static char *
get_own_folder (void)
{
  Dl_info info;

  if (dladdr ((gpointer) cbam_model_find_default, &info) == 0 || info.dli_fname == NULL)
    return NULL;
  g_autofree char *path = g_canonicalize_filename (info.dli_fname, NULL);
  return g_path_get_dirname (path);
}

char *
cbam_model_find_default (GError **error)
{
  const char *named = g_getenv ("CBAM_MODEL");
  g_autofree char *own = get_own_folder ();
  g_autofree char *installed = g_build_filename (CBAM_MODEL_DIR, CBAM_DEFAULT_MODEL, NULL);
  /* A build tree has compute/ beside models/. */
  g_autofree char *built = own != NULL ? g_canonicalize_filename ("../models/" CBAM_DEFAULT_MODEL, own) : NULL;
  const char *places[] = { built, installed };

  if (named != NULL && *named)
    return g_strdup (named);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (places[i] != NULL && g_file_test (places[i], G_FILE_TEST_IS_REGULAR))
      return g_strdup (places[i]);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_NOT_FOUND,
               "no model was named, and the one that ships with cbamdetect is not at '%s'", installed);
  return NULL;
}
