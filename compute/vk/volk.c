/* The Vulkan loader's entry points, compiled in with hidden symbols so that they never meet those of a host process
 * that links libvulkan itself.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#define VOLK_IMPLEMENTATION
#include <volk.h>
