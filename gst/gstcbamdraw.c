/* Draws detections. A box is four thin rectangles and a label is one, so that neither drawing, blending nor uploading
 * ever touches the inside of a box:
 *
 *     +-----------+
 *     |person 87% |        label: on top of the box, or inside it where the frame ends
 *     +===========+====+
 *     |                |   ===: horizontal lines have the full width
 *     |                |   |:   vertical lines stand between them
 *     +================+
 *
 * Lines of one class share one piece of memory, whatever their size, and labels are kept from frame to frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbamdraw.h"

#include <math.h>
#include <pango/pangocairo.h>

/* Labels are kept by class and percentage; a hundred of each class that is on the screen would be much. */
#define MAX_LABELS_KEPT 512

typedef struct
{
  double r, g, b;
} Colour;

typedef struct
{
  int x, y, width, height;
} Area;

struct _GstCbamPainter
{
  int width, height;   /* of the frame */
  int line, font_size; /* in pixels */
  PangoContext *pango;
  GHashTable *solids; /* class -> GstBuffer of equal pixels */
  GHashTable *labels; /* class and percentage -> GstBuffer with GstVideoMeta */
};

GType
gst_cbam_overlay_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_CBAM_OVERLAY_NONE, "Draw nothing", "none" },
    { GST_CBAM_OVERLAY_BOXES, "A rectangle around every detection", "boxes" },
    { GST_CBAM_OVERLAY_LABELS, "Name and score of every detection", "labels" },
    { 0, NULL, NULL },
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstCbamOverlay", values));
  return type;
}

GstCbamPainter *
gst_cbam_painter_new (void)
{
  GstCbamPainter *painter = g_new0 (GstCbamPainter, 1);

  PangoFontMap *fonts = pango_cairo_font_map_new ();
  painter->pango = pango_font_map_create_context (fonts);
  g_object_unref (fonts);
  painter->solids = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) gst_buffer_unref);
  painter->labels = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) gst_buffer_unref);
  return painter;
}

void
gst_cbam_painter_free (GstCbamPainter *painter)
{
  if (painter == NULL)
    return;
  g_hash_table_unref (painter->labels);
  g_hash_table_unref (painter->solids);
  g_object_unref (painter->pango);
  g_free (painter);
}

static double
luma (Colour c)
{
  return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b;
}

static Colour
hue_colour (double hue)
{
  const double sixth = hue * 6, rise = sixth - floor (sixth), fall = 1 - rise;

  switch ((int) sixth) {
    case 0: return (Colour){ 1, rise, 0 };
    case 1: return (Colour){ fall, 1, 0 };
    case 2: return (Colour){ 0, 1, rise };
    case 3: return (Colour){ 0, fall, 1 };
    case 4: return (Colour){ rise, 0, 1 };
    default: return (Colour){ 1, 0, fall };
  }
}

/* Hues a golden angle apart: any few classes with neighbouring numbers are easy to tell from each other. Dark hues are
 * whitened, so that all are bright enough for black letters and for lines on a dark picture. */
static Colour
class_colour (guint class_id)
{
  const double least = 0.55;
  const Colour c = hue_colour (fmod (0.45 + class_id * 0.61803398875, 1.0));
  const double white = MAX (0.1, (least - luma (c)) / (1 - luma (c)));

  return (Colour){ c.r + (1 - c.r) * white, c.g + (1 - c.g) * white, c.b + (1 - c.b) * white };
}

static guint32
opaque_pixel (Colour c)
{
  return 0xff000000u | (guint) (c.r * 255 + 0.5) << 16 | (guint) (c.g * 255 + 0.5) << 8 | (guint) (c.b * 255 + 0.5);
}

/* At least @n pixels in the colour of @class_id. */
static GstBuffer *
solid_pixels (GstCbamPainter *painter, guint class_id, gsize n)
{
  GstBuffer *buffer = g_hash_table_lookup (painter->solids, GUINT_TO_POINTER (class_id));

  if (buffer != NULL && gst_buffer_get_size (buffer) >= n * sizeof (guint32))
    return buffer;

  buffer = gst_buffer_new_allocate (NULL, n * sizeof (guint32), NULL);
  GstMapInfo map;
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  const guint32 pixel = opaque_pixel (class_colour (class_id));
  for (gsize i = 0; i < n; i++)
    ((guint32 *) map.data)[i] = pixel;
  gst_buffer_unmap (buffer, &map);
  g_hash_table_insert (painter->solids, GUINT_TO_POINTER (class_id), buffer);
  return buffer;
}

static void
add_pixels (GstVideoOverlayComposition *composition, GstBuffer *pixels, const Area *area)
{
  g_autoptr (GstVideoOverlayRectangle) rectangle = gst_video_overlay_rectangle_new_raw (
      pixels, area->x, area->y, area->width, area->height, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_video_overlay_composition_add_rectangle (composition, rectangle);
}

static void
add_line (GstCbamPainter *painter, GstVideoOverlayComposition *composition, guint class_id, Area area)
{
  if (area.width <= 0 || area.height <= 0)
    return;

  const gsize n = (gsize) area.width * area.height;
  /* Any line of this frame size fits, so the memory is made once. */
  GstBuffer *solid = solid_pixels (painter, class_id, (gsize) MAX (painter->width, painter->height) * painter->line);
  g_autoptr (GstBuffer) pixels = gst_buffer_copy_region (solid, GST_BUFFER_COPY_MEMORY, 0, n * sizeof (guint32));
  gst_buffer_add_video_meta (pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, area.width,
                             area.height);
  add_pixels (composition, pixels, &area);
}

/* The box's outer edge: the lines stand half outside and half inside the detection. On even places, as lines have an
 * even width: in frames with subsampled chroma a line between two chroma samples would be pale. */
static Area
box_area (const GstCbamPainter *painter, const CbamDetection *d)
{
  const int half = painter->line / 2;
  int left = CLAMP (((int) lroundf (d->x) - half) & ~1, 0, painter->width - 1);
  int top = CLAMP (((int) lroundf (d->y) - half) & ~1, 0, painter->height - 1);
  int right = CLAMP (((int) lroundf (d->x + d->width) + half + 1) & ~1, left + 1, painter->width);
  int bottom = CLAMP (((int) lroundf (d->y + d->height) + half + 1) & ~1, top + 1, painter->height);

  return (Area){ left, top, right - left, bottom - top };
}

static void
add_box (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const CbamDetection *d)
{
  const Area box = box_area (painter, d);
  const int w = MIN (painter->line, box.width), h = MIN (painter->line, box.height);
  const int between = box.height - 2 * h;

  add_line (painter, composition, d->class_id, (Area){ box.x, box.y, box.width, h });
  add_line (painter, composition, d->class_id, (Area){ box.x, box.y + box.height - h, box.width, h });
  add_line (painter, composition, d->class_id, (Area){ box.x, box.y + h, w, between });
  add_line (painter, composition, d->class_id, (Area){ box.x + box.width - w, box.y + h, w, between });
}

/* A filled rectangle in the class's colour with its name in black. */
static GstBuffer *
render_label (GstCbamPainter *painter, const char *text, Colour colour)
{
  g_autoptr (PangoLayout) layout = pango_layout_new (painter->pango);
  g_autoptr (PangoFontDescription) font = pango_font_description_from_string ("Sans Bold");
  const int pad = MAX (2, painter->font_size / 4);
  int width, height;

  pango_font_description_set_absolute_size (font, painter->font_size * PANGO_SCALE);
  pango_layout_set_font_description (layout, font);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_MIDDLE);
  pango_layout_set_width (layout, MAX (1, painter->width - 2 * pad) * PANGO_SCALE);
  PangoRectangle extents;
  pango_layout_get_pixel_extents (layout, NULL, &extents);
  width = CLAMP (extents.width + 2 * pad, 1, painter->width);
  height = CLAMP (extents.height + pad / 2, 1, painter->height);

  GstBuffer *buffer = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);
  GstMapInfo map;
  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  cairo_surface_t *surface =
      cairo_image_surface_create_for_data (map.data, CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cairo_t *cr = cairo_create (surface);
  cairo_set_operator (cr, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_rgb (cr, colour.r, colour.g, colour.b);
  cairo_paint (cr);
  cairo_set_operator (cr, CAIRO_OPERATOR_OVER);
  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_move_to (cr, pad - extents.x, (height - extents.height) * 0.5 - extents.y);
  pango_cairo_show_layout (cr, layout);
  cairo_destroy (cr);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
  gst_buffer_unmap (buffer, &map);

  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width,
                             height);
  return buffer;
}

static void
add_label (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const CbamDetection *d)
{
  const guint percent = (guint) lroundf (CLAMP (d->score, 0, 1) * 100);
  gpointer key = GUINT_TO_POINTER (d->class_id * 101 + percent);
  GstBuffer *pixels = g_hash_table_lookup (painter->labels, key);

  if (pixels == NULL) {
    g_autofree char *text = g_strdup_printf ("%s %u%%", d->label, percent);
    if (g_hash_table_size (painter->labels) >= MAX_LABELS_KEPT)
      g_hash_table_remove_all (painter->labels);
    pixels = render_label (painter, text, class_colour (d->class_id));
    g_hash_table_insert (painter->labels, key, pixels);
  }

  const GstVideoMeta *meta = gst_buffer_get_video_meta (pixels);
  const Area box = box_area (painter, d);
  Area area = { box.x, box.y - (int) meta->height, meta->width, meta->height };
  if (area.y < 0)
    area.y = box.y;
  area.x = CLAMP (area.x, 0, painter->width - area.width);
  area.y = CLAMP (area.y, 0, painter->height - area.height);
  add_pixels (composition, pixels, &area);
}

void
gst_cbam_painter_set_size (GstCbamPainter *painter, int width, int height)
{
  if (painter->width == width && painter->height == height)
    return;

  const int shorter = MIN (width, height);
  painter->width = width;
  painter->height = height;
  painter->line = CLAMP (1 + (shorter + 160) / 560, 1, 16) * 2; /* 2 pixels below 400 lines, 6 at 1080 */
  painter->font_size = CLAMP ((shorter + 18) / 36, 10, 128);    /* 13 pixels at 480 lines, 20 at 720 */
  g_hash_table_remove_all (painter->solids);
  g_hash_table_remove_all (painter->labels);
  gst_buffer_unref (render_label (painter, "0", class_colour (0)));
}

GstVideoOverlayComposition *
gst_cbam_painter_draw (GstCbamPainter *painter, const CbamResult *result, GstCbamOverlay what)
{
  gsize n;
  const CbamDetection *detections = cbam_result_get_detections (result, &n);

  if (n == 0 || what == GST_CBAM_OVERLAY_NONE)
    return NULL;

  GstVideoOverlayComposition *composition = gst_video_overlay_composition_new (NULL);
  /* Detections come by falling score: the best is drawn last, and labels on top of all boxes. */
  if (what & GST_CBAM_OVERLAY_BOXES)
    for (gsize i = n; i-- > 0;)
      add_box (painter, composition, &detections[i]);
  if (what & GST_CBAM_OVERLAY_LABELS)
    for (gsize i = n; i-- > 0;)
      add_label (painter, composition, &detections[i]);
  return composition;
}
