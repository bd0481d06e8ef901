/* Pixel layouts as data, colour matrices, and the geometry of the resize.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "detect/image.h"

#include <math.h>
#include <string.h>

#include "detect/orientation.h"
#include "detect/thin.h"
#include "ops/preprocess.h"

#define MAX_EXTENT 65535
#define ROW_ALIGNMENT 4
#define FOLLOWS_ROWS                                                                                                   \
  64 /* a plane this many rows behind the one before belongs to it, alignment of decoders included                     \
      */

/* Where one component lies: byte @offset of each @step bytes of @plane, subsampled by 1 << @sub_x, 1 << @sub_y. */
typedef struct
{
  guint plane, offset, step, sub_x, sub_y;
} ComponentLayout;

typedef struct
{
  const char *name;
  gboolean is_yuv;
  guint n_planes;
  guint row_bytes[3];  /* per unit of 1 << row_sub pixels */
  guint row_sub[3];    /* horizontal */
  guint column_sub[3]; /* vertical */
  ComponentLayout components[3];
} FormatLayout;

#define PACKED_RGB(label, step, r, g, b)                                                                               \
  {                                                                                                                    \
    .name = label, .n_planes = 1, .row_bytes = { step }, .components = {                                               \
      { 0, r, step, 0, 0 },                                                                                            \
      { 0, g, step, 0, 0 },                                                                                            \
      { 0, b, step, 0, 0 }                                                                                             \
    }                                                                                                                  \
  }

static const FormatLayout layouts[] = {
  [CBAM_FORMAT_NV12] = { .name = "NV12",
                         .is_yuv = TRUE,
                         .n_planes = 2,
                         .row_bytes = { 1, 2 },
                         .row_sub = { 0, 1 },
                         .column_sub = { 0, 1 },
                         .components = { { 0, 0, 1, 0, 0 }, { 1, 0, 2, 1, 1 }, { 1, 1, 2, 1, 1 } } },
  [CBAM_FORMAT_I420] = { .name = "I420",
                         .is_yuv = TRUE,
                         .n_planes = 3,
                         .row_bytes = { 1, 1, 1 },
                         .row_sub = { 0, 1, 1 },
                         .column_sub = { 0, 1, 1 },
                         .components = { { 0, 0, 1, 0, 0 }, { 1, 0, 1, 1, 1 }, { 2, 0, 1, 1, 1 } } },
  [CBAM_FORMAT_YUY2] = { .name = "YUY2",
                         .is_yuv = TRUE,
                         .n_planes = 1,
                         .row_bytes = { 4 },
                         .row_sub = { 1 },
                         .components = { { 0, 0, 2, 0, 0 }, { 0, 1, 4, 1, 0 }, { 0, 3, 4, 1, 0 } } },
  [CBAM_FORMAT_UYVY] = { .name = "UYVY",
                         .is_yuv = TRUE,
                         .n_planes = 1,
                         .row_bytes = { 4 },
                         .row_sub = { 1 },
                         .components = { { 0, 1, 2, 0, 0 }, { 0, 0, 4, 1, 0 }, { 0, 2, 4, 1, 0 } } },
  [CBAM_FORMAT_RGB] = PACKED_RGB ("RGB", 3, 0, 1, 2),
  [CBAM_FORMAT_BGR] = PACKED_RGB ("BGR", 3, 2, 1, 0),
  [CBAM_FORMAT_RGBA] = PACKED_RGB ("RGBA", 4, 0, 1, 2),
  [CBAM_FORMAT_BGRA] = PACKED_RGB ("BGRA", 4, 2, 1, 0),
  [CBAM_FORMAT_RGBX] = PACKED_RGB ("RGBx", 4, 0, 1, 2),
  [CBAM_FORMAT_BGRX] = PACKED_RGB ("BGRx", 4, 2, 1, 0),
  [CBAM_FORMAT_GRAY8] = PACKED_RGB ("GRAY8", 1, 0, 0, 0),
};

/* Luma coefficients (ITU-R BT.601-7, BT.709-6, BT.2020-2; FCC 1953; SMPTE 240M). */
static const struct
{
  double kr, kb;
} matrices[] = {
  [CBAM_MATRIX_BT601] = { 0.299, 0.114 },     [CBAM_MATRIX_BT709] = { 0.2126, 0.0722 },
  [CBAM_MATRIX_BT2020] = { 0.2627, 0.0593 },  [CBAM_MATRIX_FCC] = { 0.30, 0.11 },
  [CBAM_MATRIX_SMPTE240M] = { 0.212, 0.087 },
};

static guint
subsampled (guint extent, guint sub)
{
  return (extent + (1u << sub) - 1) >> sub;
}

static gsize
row_bytes (const CbamImage *image, guint plane)
{
  const FormatLayout *layout = &layouts[image->format];

  return (gsize) subsampled (image->width, layout->row_sub[plane]) * layout->row_bytes[plane];
}

static gsize
stride_of (const CbamImage *image, guint plane)
{
  return image->strides[plane] ? image->strides[plane] : row_bytes (image, plane);
}

static guint
rows (const CbamImage *image, guint plane)
{
  return subsampled (image->height, layouts[image->format].column_sub[plane]);
}

static gsize
packed_stride (const CbamImage *image, guint plane)
{
  return (row_bytes (image, plane) + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
}

gboolean
cbam_image_check_form (const CbamImage *image, GError **error)
{
  if (image->format <= CBAM_FORMAT_UNKNOWN || image->format >= G_N_ELEMENTS (layouts)) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "unknown pixel format %d", image->format);
    return FALSE;
  }
  if (image->width < 1 || image->width > MAX_EXTENT || image->height < 1 || image->height > MAX_EXTENT) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "a frame of %ux%u pixels; expected 1 to %u each way",
                 image->width, image->height, MAX_EXTENT);
    return FALSE;
  }
  if ((guint) image->matrix >= G_N_ELEMENTS (matrices) || (guint) image->range > CBAM_RANGE_FULL ||
      (guint) image->chroma > CBAM_CHROMA_TOP_LEFT) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "unknown colour matrix %d, range %d or chroma site %d",
                 image->matrix, image->range, image->chroma);
    return FALSE;
  }
  if ((guint) image->orientation > CBAM_ORIENTATION_UR_LL) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "unknown orientation %d; expected 0 to %d",
                 image->orientation, CBAM_ORIENTATION_UR_LL);
    return FALSE;
  }
  return TRUE;
}

gboolean
cbam_image_check (const CbamImage *image, GError **error)
{
  if (!cbam_image_check_form (image, error))
    return FALSE;
  for (guint p = 0; p < layouts[image->format].n_planes; p++) {
    if (image->planes[p] == NULL || (image->strides[p] != 0 && image->strides[p] < row_bytes (image, p))) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                   "plane %u of a %ux%u %s frame: %s, stride %" G_GSIZE_FORMAT "; expected at least %" G_GSIZE_FORMAT
                   " bytes a row",
                   p, image->width, image->height, layouts[image->format].name,
                   image->planes[p] != NULL ? "has pixels" : "has no pixels", image->strides[p], row_bytes (image, p));
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
cbam_image_take_bytes (CbamImage *image, GError **error)
{
  const guint8 *data;
  gsize size, begin = 0;

  if (image->bytes == NULL || image->planes[0] != NULL)
    return TRUE;
  if (!cbam_image_check_form (image, error))
    return FALSE;
  data = g_bytes_get_data (image->bytes, &size);
  for (guint p = 0; p < layouts[image->format].n_planes; p++) {
    const gsize stride = stride_of (image, p), last = (rows (image, p) - 1) * stride;

    if (stride > size || begin + last + row_bytes (image, p) > size) { /* which the last row may end with */
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                   "%" G_GSIZE_FORMAT " bytes of pixels; expected plane %u of a %ux%u %s frame in them", size, p,
                   image->width, image->height, layouts[image->format].name);
      return FALSE;
    }
    image->planes[p] = data + begin;
    begin += last + stride;
  }
  return TRUE;
}

CbamImage *
cbam_image_new (CbamFormat format, guint width, guint height, gsize stride, GBytes *bytes)
{
  CbamImage *image = g_new0 (CbamImage, 1);

  g_return_val_if_fail (bytes != NULL, NULL);
  image->format = format;
  image->width = width;
  image->height = height;
  image->strides[0] = stride;
  image->bytes = g_bytes_ref (bytes);
  return image;
}

CbamImage *
cbam_image_copy (const CbamImage *image)
{
  CbamImage *copy = g_memdup2 (image, sizeof *image);

  if (copy->bytes != NULL)
    g_bytes_ref (copy->bytes);
  return copy;
}

void
cbam_image_free (CbamImage *image)
{
  if (image == NULL)
    return;
  g_clear_pointer (&image->bytes, g_bytes_unref);
  g_free (image);
}

gboolean
cbam_image_crop (const CbamImage *image, const CbamRegion *region, CbamImage *ret_part, guint *ret_x, guint *ret_y,
                 GError **error)
{
  const FormatLayout *layout = &layouts[image->format];
  guint unit_x = 1, unit_y = 1;

  *ret_part = *image;
  *ret_x = *ret_y = 0;
  if (region->width == 0 || region->height == 0)
    return TRUE;
  if (region->x >= image->width || region->y >= image->height) {
    g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE,
                 "the region of %ux%u pixels at %u,%u lies outside of the "
                 "frame of %ux%u pixels",
                 region->width, region->height, region->x, region->y, image->width, image->height);
    return FALSE;
  }
  /* A chroma sample of several pixels belongs to all of them. */
  for (guint p = 0; p < layout->n_planes; p++) {
    unit_x = MAX (unit_x, 1u << layout->row_sub[p]);
    unit_y = MAX (unit_y, 1u << layout->column_sub[p]);
  }
  *ret_x = region->x / unit_x * unit_x;
  *ret_y = region->y / unit_y * unit_y;
  ret_part->width =
      MIN ((region->x - *ret_x + (guint64) region->width + unit_x - 1) / unit_x * unit_x, image->width - *ret_x);
  ret_part->height =
      MIN ((region->y - *ret_y + (guint64) region->height + unit_y - 1) / unit_y * unit_y, image->height - *ret_y);
  for (guint p = 0; p < layout->n_planes; p++) {
    const gsize stride = stride_of (image, p);

    ret_part->strides[p] = stride;
    if (image->planes[p] != NULL)
      ret_part->planes[p] +=
          (*ret_y >> layout->column_sub[p]) * stride + (gsize) (*ret_x >> layout->row_sub[p]) * layout->row_bytes[p];
  }
  return TRUE;
}

const guint8 *
cbam_image_get_component (const CbamImage *image, guint component, gssize *ret_row, gssize *ret_step)
{
  const ComponentLayout *from = &layouts[image->format].components[component];
  const CbamAxes *turn = cbam_orientation_get_axes (image->orientation);
  const guint8 *first = image->planes[from->plane] + from->offset;
  gssize row = (gssize) stride_of (image, from->plane), step = from->step;

  if (turn->reverse_x) {
    first += (subsampled (image->width, from->sub_x) - 1) * step;
    step = -step;
  }
  if (turn->reverse_y) {
    first += (subsampled (image->height, from->sub_y) - 1) * row;
    row = -row;
  }
  *ret_row = turn->swap ? step : row;
  *ret_step = turn->swap ? row : step;
  return first;
}

CbamPlacement
cbam_image_get_packed (const CbamImage *image)
{
  CbamPlacement placement = { 0 };

  for (guint p = 0; p < layouts[image->format].n_planes; p++) {
    placement.offsets[p] = placement.size;
    placement.strides[p] = packed_stride (image, p);
    placement.size += placement.strides[p] * rows (image, p);
  }
  return placement;
}

void
cbam_image_pack (const CbamImage *image, guint8 *out)
{
  for (guint p = 0; p < layouts[image->format].n_planes; p++) {
    const gsize bytes = row_bytes (image, p), to = packed_stride (image, p), from = stride_of (image, p);
    const guint n = rows (image, p);

    if (from == to)
      memcpy (out, image->planes[p], to * (n - 1) + bytes);
    else
      for (guint y = 0; y < n; y++)
        memcpy (out + y * to, image->planes[p] + y * from, bytes);
    out += to * n;
  }
}

gboolean
cbam_image_get_in_place (const CbamImage *image, gsize alignment, const guint8 **ret_start,
                         CbamPlacement *ret_placement)
{
  const gsize first = (gsize) image->planes[0];
  gsize end = first;

  if (first % alignment != 0)
    return FALSE;
  *ret_start = image->planes[0];
  *ret_placement = (CbamPlacement){ 0 };
  for (guint p = 0; p < layouts[image->format].n_planes; p++) {
    const gsize start = (gsize) image->planes[p], stride = stride_of (image, p);

    /* Another allocation is not ours to read from here to there. */
    if (start < end || start - end > MAX (stride * FOLLOWS_ROWS, alignment))
      return FALSE;
    ret_placement->offsets[p] = start - first;
    ret_placement->strides[p] = stride;
    end = start + stride * (rows (image, p) - 1) + row_bytes (image, p);
  }
  ret_placement->size = (end - first + alignment - 1) / alignment * alignment;
  return TRUE;
}

/* Bytes of a texel of @plane: what stands for one pixel, or for the pixels that share a sample. 0: no texel does. */
static guint
texel_bytes (const FormatLayout *layout, guint plane)
{
  const guint bytes = layout->row_bytes[plane];
  const gboolean is_texel = bytes == 1 || bytes == 4 || (bytes == 2 && layout->row_sub[plane] == 1);
  const gboolean shares_luma = layout->n_planes == 1 && layout->row_sub[plane] > 0;

  return is_texel && !shares_luma ? bytes : 0;
}

/* Rows of three factors and an offset: components 0..255 to R, G, B 0..255. */
static void
fill_matrix (const CbamImage *image, gboolean is_yuv, float out[12])
{
  const double kr = matrices[image->matrix].kr, kb = matrices[image->matrix].kb, kg = 1 - kr - kb;
  const CbamRange usual = is_yuv ? CBAM_RANGE_LIMITED : CBAM_RANGE_FULL;
  const CbamRange range = image->range == CBAM_RANGE_DEFAULT ? usual : image->range;
  const double y_scale = range == CBAM_RANGE_LIMITED ? 255.0 / 219.0 : 1.0;
  const double c_scale = range == CBAM_RANGE_LIMITED ? 255.0 / 224.0 : 1.0;
  const double black = range == CBAM_RANGE_LIMITED ? 16 : 0;
  const double chroma[3][2] = {
    { 0, 2 * (1 - kr) },
    { -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg },
    { 2 * (1 - kb), 0 },
  };

  for (guint i = 0; i < 3; i++) {
    float *row = out + i * 4;

    if (is_yuv) {
      row[0] = (float) y_scale;
      row[1] = (float) (chroma[i][0] * c_scale);
      row[2] = (float) (chroma[i][1] * c_scale);
      row[3] = (float) (-black * y_scale - 128 * c_scale * (chroma[i][0] + chroma[i][1]));
    } else {
      row[0] = row[1] = row[2] = 0;
      row[i] = (float) y_scale;
      row[3] = (float) (-black * y_scale);
    }
  }
}

/* The same samples in the order in which the upright picture has them. A reversed axis begins at its last sample, of
 * those that @thin, which counts in the upright picture, leaves in. */
static void
turn_component (CbamComponent *c, const CbamThin *thin, const CbamImage *image)
{
  const CbamAxes *turn = cbam_orientation_get_axes (image->orientation);
  const guint columns = cbam_thin_count (turn->swap ? &thin->y : &thin->x, c->width);
  const guint lines = cbam_thin_count (turn->swap ? &thin->x : &thin->y, c->height);

  if (turn->reverse_x) {
    c->offset += (columns - 1) * c->step;
    c->step = -c->step;
    c->shift_x = (float) (c->width - 1) - (float) (image->width - 1) * c->scale_x - c->shift_x;
  }
  if (turn->reverse_y) {
    c->offset += (lines - 1) * c->row;
    c->row = -c->row;
    c->shift_y = (float) (c->height - 1) - (float) (image->height - 1) * c->scale_y - c->shift_y;
  }
  if (turn->swap)
    *c = (CbamComponent){
      .offset = c->offset,
      .row = c->step,
      .step = c->row,
      .width = c->height,
      .height = c->width,
      .scale_x = c->scale_y,
      .scale_y = c->scale_x,
      .shift_x = c->shift_y,
      .shift_y = c->shift_x,
    };
}

static void
fill_components (const CbamImage *image, const CbamPlacement *placement, CbamFrameArgs *frame)
{
  const FormatLayout *layout = &layouts[image->format];

  for (guint c = 0; c < 3; c++) {
    const ComponentLayout *from = &layout->components[c];
    /* A sample of a pair lies between its two pixels (-1/4 of a sample from the first one's middle), or on the first.
     */
    const gboolean between_x = from->sub_x && image->chroma == CBAM_CHROMA_CENTER;
    const gboolean between_y = from->sub_y && image->chroma != CBAM_CHROMA_TOP_LEFT;

    frame->component[c] = (CbamComponent){
      .offset = (uint) (placement->offsets[from->plane] + from->offset),
      .row = (uint) placement->strides[from->plane],
      .step = from->step,
      .width = subsampled (image->width, from->sub_x),
      .height = subsampled (image->height, from->sub_y),
      .scale_x = from->sub_x ? 0.5f : 1.0f,
      .scale_y = from->sub_y ? 0.5f : 1.0f,
      .shift_x = between_x ? -0.25f : 0.0f,
      .shift_y = between_y ? -0.25f : 0.0f,
    };
    turn_component (&frame->component[c], &frame->thin[c], image);
  }
}

/* What is left out of @plane, by its own columns and rows: the same of all components in it, where planes are made of
 * texels. Along an axis that is reversed, lines still count from the far end; see begin_of(). */
static CbamThin
thin_of (const CbamFrameArgs *frame, const CbamImage *part, guint plane)
{
  const ComponentLayout *component = layouts[part->format].components;
  const CbamThin *thin = frame->thin;

  for (; component->plane != plane; component++)
    thin++;
  return cbam_orientation_get_axes (part->orientation)->swap ? (CbamThin){ thin->y, thin->x } : *thin;
}

/* Where group @n of the lines of an axis of @extent lines begins. */
static guint
begin_of (const CbamThinAxis *axis, gboolean reverse, guint extent, guint n)
{
  return reverse ? extent - CBAM_THIN_LINES - cbam_thin_begin (axis, axis->count - 1 - n) : cbam_thin_begin (axis, n);
}

/* One plane after the other, of each what is there. */
static CbamPlacement
place_thinned (const CbamImage *part, const CbamFrameArgs *frame)
{
  const FormatLayout *layout = &layouts[part->format];
  CbamPlacement placement = { 0 };

  for (guint p = 0; p < layout->n_planes; p++) {
    const CbamThin thin = thin_of (frame, part, p);
    const gsize columns = cbam_thin_count (&thin.x, subsampled (part->width, layout->row_sub[p]));

    placement.offsets[p] = placement.size;
    placement.strides[p] = (columns * layout->row_bytes[p] + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    placement.size += placement.strides[p] * cbam_thin_count (&thin.y, rows (part, p));
  }
  return placement;
}

gboolean
cbam_image_thin (const CbamImage *part, const CbamInputSpec *input, gsize limit, CbamFrameArgs *frame,
                 CbamPlacement *ret_placement)
{
  /* Whole rows of the image, which are columns of a picture on its side, are the fewest copies. */
  const gboolean swap = cbam_orientation_get_axes (part->orientation)->swap;
  const CbamThinAxes ways[] = { swap ? CBAM_THIN_COLUMNS : CBAM_THIN_ROWS, swap ? CBAM_THIN_ROWS : CBAM_THIN_COLUMNS,
                                CBAM_THIN_ROWS | CBAM_THIN_COLUMNS };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    cbam_thin_fill (frame, input, ways[i]);
    *ret_placement = place_thinned (part, frame);
    if (ret_placement->size > limit)
      continue;
    fill_components (part, ret_placement, frame);
    return TRUE;
  }
  return FALSE;
}

/* @whole copies a plane of texels of @bytes each; with @thin only its groups of lines. */
static void
add_regions (GArray *regions, const VkBufferImageCopy *whole, guint bytes, const CbamThin *thin, const CbamAxes *turn)
{
  const guint columns = MAX (thin->x.count, 1), rows = MAX (thin->y.count, 1);

  for (guint j = 0; j < rows; j++)
    for (guint i = 0; i < columns; i++) {
      VkBufferImageCopy region = *whole;

      if (thin->x.count > 0) {
        region.bufferOffset += (VkDeviceSize) i * CBAM_THIN_LINES * bytes;
        region.imageOffset.x += (gint32) begin_of (&thin->x, turn->reverse_x, whole->imageExtent.width, i);
        region.imageExtent.width = CBAM_THIN_LINES;
      }
      if (thin->y.count > 0) {
        region.bufferOffset += (VkDeviceSize) j * CBAM_THIN_LINES * whole->bufferRowLength * bytes;
        region.imageOffset.y += (gint32) begin_of (&thin->y, turn->reverse_y, whole->imageExtent.height, j);
        region.imageExtent.height = CBAM_THIN_LINES;
      }
      g_array_append_val (regions, region);
    }
}

guint
cbam_image_get_copies (const CbamVulkanPlane planes[3], const CbamImage *part, guint x, guint y,
                       const CbamPlacement *placement, const CbamFrameArgs *thinned, CbamImageCopy copies[3],
                       GArray *regions, GError **error)
{
  const FormatLayout *layout = &layouts[part->format];

  g_array_set_size (regions, 0);
  for (guint p = 0; p < layout->n_planes; p++) {
    const guint bytes = texel_bytes (layout, p);

    if (bytes == 0 || planes[p].image == VK_NULL_HANDLE) {
      g_set_error (error, CBAM_ERROR, CBAM_ERROR_BAD_IMAGE, "plane %u of a %s frame %s", p, layout->name,
                   bytes == 0 ? "has no texels of one pixel; expected NV12, I420, RGBA, BGRA, RGBx, BGRx or GRAY8"
                              : "has no image");
      return 0;
    }
    const VkBufferImageCopy whole = {
      .bufferOffset = placement->offsets[p],
      .bufferRowLength = (guint32) (placement->strides[p] / bytes),
      .imageSubresource = { planes[p].aspect ? planes[p].aspect : VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1 },
      .imageOffset = { (gint32) (x >> layout->row_sub[p]), (gint32) (y >> layout->column_sub[p]), 0 },
      .imageExtent = { subsampled (part->width, layout->row_sub[p]), rows (part, p), 1 },
    };
    copies[p] = (CbamImageCopy){ .plane = planes[p], .first = regions->len };
    const CbamThin thin = thinned != NULL ? thin_of (thinned, part, p) : (CbamThin){ 0 };
    add_regions (regions, &whole, bytes, &thin, cbam_orientation_get_axes (part->orientation));
    copies[p].n = regions->len - copies[p].first;
  }
  return layout->n_planes;
}

/* Along one axis of the upright picture: pixels of the frame to one of the input, and where the input begins. */
typedef struct
{
  double scale, shift;
} Axis;

/* As torchvision cuts: of a picture whose shorter side has been resized, the other one to whole pixels. */
static Axis
cut_resized (guint extent, guint shortest, guint n, const CbamInputSpec *input)
{
  const double resized = floor ((double) input->shorter * extent / shortest);
  const double scale = extent / resized;

  return (Axis){ scale, rint ((resized - n) / 2) * scale };
}

#define ALMOST 1e-6 /* 7/8 and the like may be a little less than they are */

/* As TensorFlow's evaluation of EfficientNet cuts: whole pixels, which are resized then. */
static Axis
cut_first (guint extent, guint shortest, guint n, const CbamInputSpec *input)
{
  const double side = MAX (1, floor (input->fraction * shortest + ALMOST));
  const double part = side * n / MIN (input->width, input->height);

  return (Axis){ part / n, floor ((extent - part + 1) / 2) };
}

static void
fill_geometry (const CbamImage *image, const CbamInputSpec *input, CbamFrameArgs *frame)
{
  const gboolean swap = cbam_orientation_get_axes (image->orientation)->swap;
  const guint width = swap ? image->height : image->width, height = swap ? image->width : image->height;
  const guint shortest = MIN (width, height);
  Axis x = { (double) width / input->width, 0 }, y = { (double) height / input->height, 0 };

  if (input->resize == CBAM_RESIZE_LETTERBOX) {
    x.scale = y.scale = MAX (x.scale, y.scale);
    x.shift = (width - x.scale * input->width) / 2;
    y.shift = (height - y.scale * input->height) / 2;
  } else if (input->resize == CBAM_RESIZE_CROP) {
    x = (input->shorter > 0 ? cut_resized : cut_first) (width, shortest, input->width, input);
    y = (input->shorter > 0 ? cut_resized : cut_first) (height, shortest, input->height, input);
  }
  frame->scale_x = (float) x.scale;
  frame->scale_y = (float) y.scale;
  frame->shift_x = (float) x.shift;
  frame->shift_y = (float) y.shift;
  frame->frame_width = (float) width;
  frame->frame_height = (float) height;
}

void
cbam_frame_fill (CbamFrameArgs *frame, const CbamImage *image, const CbamPlacement *placement,
                 const CbamInputSpec *input, const CbamOutputSpec *output, const CbamDetectParams *params)
{
  const gboolean bgr = input->channels == CBAM_CHANNELS_BGR;

  memset (frame, 0, sizeof *frame);
  fill_components (image, placement, frame);
  fill_matrix (image, layouts[image->format].is_yuv, frame->matrix);
  fill_geometry (image, input, frame);
  for (guint c = 0; c < 3; c++) {
    frame->mean[c] = input->mean[bgr ? 2 - c : c];
    frame->gain[c] = input->scale[bgr ? 2 - c : c];
  }
  frame->bgr = bgr;
  frame->round_u8 = input->rounding == CBAM_ROUNDING_U8;
  frame->threshold = params->threshold;
  frame->n_classes = output->n_classes;
  for (guint k = 0; k < output->n_classes; k++)
    if (cbam_output_spec_reports (output, k))
      frame->reported[k / CBAM_CLASSES_PER_WORD] |= 1u << (k % CBAM_CLASSES_PER_WORD);
}
