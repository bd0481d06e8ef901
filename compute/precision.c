/* Precisions: their names, and which of them a device has.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "precision.h"

#include "vk/device.h"

/* By number; the nick is what users call it. */
static const GEnumValue names[] = {
  { CBAM_PRECISION_AUTO, "CBAM_PRECISION_AUTO", "auto" },
  { CBAM_PRECISION_FP32, "CBAM_PRECISION_FP32", "fp32" },
  { CBAM_PRECISION_FP16, "CBAM_PRECISION_FP16", "fp16" },
  { CBAM_PRECISION_BF16, "CBAM_PRECISION_BF16", "bf16" },
  { 0, NULL, NULL },
};

#define N_PRECISIONS (G_N_ELEMENTS (names) - 1)

GType
cbam_precision_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("CbamPrecision", names));
  return type;
}

/* "auto, fp32"; without @device all there are. */
static char *
list_names (const CbamDevice *device)
{
  GString *list = g_string_new (NULL);

  for (guint p = 0; p < N_PRECISIONS; p++)
    if (device == NULL || cbam_device_has_precision (device, p))
      g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", names[p].value_nick);
  return g_string_free (list, FALSE);
}

gboolean
cbam_precision_parse (const char *name, CbamPrecision *precision, GError **error)
{
  g_autofree char *known = NULL;

  g_return_val_if_fail (name != NULL && precision != NULL, FALSE);
  for (guint p = 0; p < N_PRECISIONS; p++)
    if (g_str_equal (name, names[p].value_nick)) {
      *precision = p;
      return TRUE;
    }
  known = list_names (NULL);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "precision: expected one of %s, found %s", known, name);
  return FALSE;
}

/* The reference computes in fp32, whatever it runs on. */
static gboolean
has_bf16 (const CbamDevice *device)
{
  return device->caps.has_bf16 && (device->debug & CBAM_DEBUG_REFERENCE) == 0;
}

static gboolean
has_fp16 (const CbamDevice *device)
{
  return device->caps.has_fp16 && (device->debug & CBAM_DEBUG_REFERENCE) == 0;
}

gboolean
cbam_device_has_precision (const CbamDevice *device, CbamPrecision precision)
{
  g_return_val_if_fail (device != NULL, FALSE);
  switch (precision) {
    case CBAM_PRECISION_AUTO:
    case CBAM_PRECISION_FP32: return TRUE;
    case CBAM_PRECISION_FP16: return has_fp16 (device);
    case CBAM_PRECISION_BF16: return has_bf16 (device);
    default: return FALSE;
  }
}

/* Of those that find the same objects. Without units for tiles of it, bfloat16 was slower than fp32 where it was
 * measured. Maps of 16 bits are half as many bytes to a GPU; Vulkan in software has faster kernels for those of 32.
 */
static CbamPrecision
choose_fastest (const CbamDevice *device)
{
  if (has_fp16 (device) && !device->caps.is_cpu)
    return CBAM_PRECISION_FP16;
  return has_bf16 (device) && device->caps.has_bf16_tiles ? CBAM_PRECISION_BF16 : CBAM_PRECISION_FP32;
}

gboolean
cbam_precision_choose (const CbamDevice *device, CbamPrecision wanted, CbamPrecision *ret_precision, GError **error)
{
  g_autofree char *there = NULL;

  if (cbam_device_has_precision (device, wanted)) {
    *ret_precision = wanted != CBAM_PRECISION_AUTO ? wanted : choose_fastest (device);
    return TRUE;
  }
  there = list_names (device);
  g_set_error (error, CBAM_ERROR, CBAM_ERROR_UNSUPPORTED, "precision: expected one of %s on %s, found %s", there,
               cbam_device_get_info (device)->name, (guint) wanted < N_PRECISIONS ? names[wanted].value_nick : "none");
  return FALSE;
}
