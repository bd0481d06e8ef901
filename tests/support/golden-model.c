/* From a tree of shapes and a seed to a model.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "golden-model.h"

#include "presets/seeded.h"

/* Adds the tensors of a tree of names; a list is a tensor's shape. */
static void
add_tensors (TestModel *model, JsonObject *tree, const char *prefix, guint32 seed)
{
  g_autoptr (GList) names = json_object_get_members (tree);

  for (GList *l = names; l != NULL; l = l->next) {
    g_autofree char *name = prefix != NULL ? g_strconcat (prefix, ".", l->data, NULL) : g_strdup (l->data);
    JsonNode *node = json_object_get_member (tree, l->data);
    gsize dims[4];
    guint n_dims;
    JsonArray *shape;

    if (JSON_NODE_HOLDS_OBJECT (node)) {
      add_tensors (model, json_node_get_object (node), name, seed);
      continue;
    }
    shape = json_node_get_array (node);
    n_dims = json_array_get_length (shape);
    g_assert_cmpuint (n_dims, <=, G_N_ELEMENTS (dims));
    for (guint i = 0; i < n_dims; i++)
      dims[i] = (gsize) json_array_get_int_element (shape, i);
    cbam_seeded_fill (name, dims, n_dims, seed, (float *) test_model_add (model, name, n_dims, dims)->values->data);
  }
}

TestModel *
test_model_new_from_golden (const CbamSafetensors *file, JsonObject *about, GError **error)
{
  g_autoptr (TestModel) model = test_model_new (1);

  g_ptr_array_set_size (model->tensors, 0);
  json_node_unref (model->document);
  model->document = json_from_string (cbam_safetensors_get_metadata (file, "cbamdetect"), error);
  if (model->document == NULL)
    return NULL;
  add_tensors (model, json_object_get_object_member (about, "tensors"), NULL,
               (guint32) json_object_get_int_member (about, "seed"));
  return g_steal_pointer (&model);
}
