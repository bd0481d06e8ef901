/* Draws detections and heat maps. A box is four thin rectangles and a label is one, so that neither drawing, blending
 * nor uploading ever touches the inside of a box; a heat map is a small picture that is stretched over the frame:
 *
 *     +-----------+
 *     |person 87% |        label: beside its box, off other labels
 *     +===========+====+
 *     |                |   ===: horizontal strips have the full width and hold the corners
 *     |                |   |:   vertical strips stand between them
 *     +================+   all of them: a line in the class's colour between two dark rims
 *
 * Labels are kept from frame to frame.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gstcbampainter.h"

#include "meta/gstcbamfield.h"

#include <heatmap.h>
#include <math.h>
#include <palette.h>
#include <pango/pangocairo.h>
#include <plates.h>

/* Labels are kept by text and colour; a hundred scores of each class that is on the screen would be much. */
#define MAX_LABELS_KEPT 512
#define MAX_CLASSES_WRITTEN 3

#define RIM_OPACITY 0.55
#define HEAT_SIZE 160 /* of a heat map's longer side: a few pixels for each of its cells */

typedef struct
{
  int x, y, width, height;
} Area;

struct _GstCbamPainter
{
  GstCbamOverlaySettings settings;
  gboolean changed;  /* settings, since the size was set */
  int width, height; /* of the frame */
  int line, rim;     /* in pixels */
  int font_size;     /* in pixels, where the font has none of its own */
  PangoContext *pango;
  PangoFontDescription *font;
  GHashTable *colours; /* class's name -> CbamDrawingColour; "" is everybody else's */
  GHashTable *labels;  /* colour and text -> GstBuffer with GstVideoMeta */
  GError *bad_colours; /* what the element must say, until it has */
  GError *bad_font;
};

GstCbamPainter *
gst_cbam_painter_new (void)
{
  GstCbamPainter *painter = g_new0 (GstCbamPainter, 1);

  gst_cbam_overlay_settings_init (&painter->settings, GST_CBAM_OVERLAY_NONE);
  painter->settings.serial = 0; /* none that an element has */
  PangoFontMap *fonts = pango_cairo_font_map_new ();
  painter->pango = pango_font_map_create_context (fonts);
  g_object_unref (fonts);
  painter->colours = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  painter->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) gst_buffer_unref);
  return painter;
}

void
gst_cbam_painter_free (GstCbamPainter *painter)
{
  if (painter == NULL)
    return;
  g_hash_table_unref (painter->labels);
  g_hash_table_unref (painter->colours);
  g_clear_pointer (&painter->font, pango_font_description_free);
  g_clear_error (&painter->bad_colours);
  g_clear_error (&painter->bad_font);
  g_object_unref (painter->pango);
  gst_cbam_overlay_settings_clear (&painter->settings);
  g_free (painter);
}

/* ---- Pixels ---- */

/* A picture for a rectangle, mapped for writing. NULL: there is no memory, and nothing is drawn. */
static GstBuffer *
pixels_new (int width, int height, GstMapInfo *map)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, (gsize) width * height * 4, NULL);

  if (buffer == NULL || !gst_buffer_map (buffer, map, GST_MAP_WRITE)) {
    GST_WARNING ("no memory to draw %dx%d pixels", width, height);
    return NULL;
  }
  gst_buffer_add_video_meta (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_OVERLAY_COMPOSITION_FORMAT_RGB, width,
                             height);
  return g_steal_pointer (&buffer);
}

static void
add_pixels (GstVideoOverlayComposition *composition, GstBuffer *pixels, const Area *area)
{
  g_autoptr (GstVideoOverlayRectangle) rectangle = gst_video_overlay_rectangle_new_raw (
      pixels, area->x, area->y, area->width, area->height, GST_VIDEO_OVERLAY_FORMAT_FLAG_PREMULTIPLIED_ALPHA);
  gst_video_overlay_composition_add_rectangle (composition, rectangle);
}

/* ---- Colours ---- */

/* Reads `name=colour,name=colour,colour`. What cannot be read is left out and told. */
static void
read_colours (GstCbamPainter *painter)
{
  g_autoptr (GString) bad = g_string_new (NULL);

  g_clear_error (&painter->bad_colours);
  g_hash_table_remove_all (painter->colours);
  if (painter->settings.colours == NULL)
    return;

  g_auto (GStrv) entries = g_strsplit (painter->settings.colours, ",", -1);
  for (guint i = 0; entries[i] != NULL; i++) {
    const char *entry = g_strstrip (entries[i]), *equals = strrchr (entry, '=');
    g_autofree char *name = equals != NULL ? g_strndup (entry, equals - entry) : g_strdup ("");
    g_autofree char *text = g_strdup (equals != NULL ? equals + 1 : entry);
    PangoColor parsed;
    if (*entry == '\0')
      continue;
    if (!pango_color_parse (&parsed, g_strstrip (text))) {
      g_string_append_printf (bad, "%s\"%s\"", bad->len > 0 ? ", " : "", entry);
      continue;
    }
    const CbamDrawingColour colour = { parsed.red / 65535.0, parsed.green / 65535.0, parsed.blue / 65535.0 };
    g_hash_table_replace (painter->colours, g_strdup (g_strstrip (name)), g_memdup2 (&colour, sizeof colour));
  }
  if (bad->len > 0)
    painter->bad_colours = g_error_new (
        GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "colors: expected \"white\", \"#ff0000\", \"person=lime\" or the like, found %s, which is left out.", bad->str);
}

static CbamDrawingColour
box_colour (const GstCbamPainter *painter, const GstCbamBox *box)
{
  const CbamDrawingColour *own = g_hash_table_lookup (painter->colours, box->label);

  if (own == NULL)
    own = g_hash_table_lookup (painter->colours, "");
  return own != NULL ? *own : cbam_drawing_class_colour (box->class_id);
}

/* ---- Boxes ---- */

static Area
intersect (Area a, int width, int height)
{
  const int x = MAX (a.x, 0), y = MAX (a.y, 0);

  return (Area){ x, y, MIN (a.x + a.width, width) - x, MIN (a.y + a.height, height) - y };
}

static Area
grow (Area a, int by)
{
  return (Area){ a.x - by, a.y - by, a.width + 2 * by, a.height + 2 * by };
}

static gboolean
is_in (const Area *a, int x, int y)
{
  return x >= a->x && y >= a->y && x < a->x + a->width && y < a->y + a->height;
}

/* In whole pixels; a little outside the frame is as far as it gets. */
static int
edge (float at, int size)
{
  return (int) lroundf (CLAMP (at, -8, size + 8));
}

/* The box's outer edge: the lines stand half outside and half inside the detection. On even places, as lines have an
 * even width: in frames with subsampled chroma a line between two chroma samples would be pale. */
static Area
box_area (const GstCbamPainter *painter, const GstCbamBox *box)
{
  const int half = painter->line / 2;
  int left = CLAMP ((edge (box->left, painter->width) - half) & ~1, 0, painter->width - 1);
  int top = CLAMP ((edge (box->top, painter->height) - half) & ~1, 0, painter->height - 1);
  int right = CLAMP ((edge (box->right, painter->width) + half + 1) & ~1, left + 1, painter->width);
  int bottom = CLAMP ((edge (box->bottom, painter->height) + half + 1) & ~1, top + 1, painter->height);

  return (Area){ left, top, right - left, bottom - top };
}

/* One strip of the box whose outer edge is @outer. */
static void
add_strip (GstCbamPainter *painter, GstVideoOverlayComposition *composition, CbamDrawingColour colour, Area outer,
           Area strip)
{
  const Area area = intersect (strip, painter->width, painter->height);
  const Area inner = grow (outer, -painter->line), hole = grow (inner, -painter->rim);
  const guint32 line = cbam_drawing_pixel (colour, 1);
  const guint32 rim = cbam_drawing_pixel ((CbamDrawingColour){ 0, 0, 0 }, RIM_OPACITY);
  GstMapInfo map;

  if (area.width <= 0 || area.height <= 0)
    return;
  g_autoptr (GstBuffer) pixels = pixels_new (area.width, area.height, &map);
  if (pixels == NULL)
    return;
  guint32 *pixel = (guint32 *) map.data;
  for (int y = area.y; y < area.y + area.height; y++)
    for (int x = area.x; x < area.x + area.width; x++)
      *pixel++ = is_in (&hole, x, y) ? 0 : is_in (&outer, x, y) && !is_in (&inner, x, y) ? line : rim;
  gst_buffer_unmap (pixels, &map);
  add_pixels (composition, pixels, &area);
}

static void
add_box (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const GstCbamBox *box)
{
  const CbamDrawingColour colour = box_colour (painter, box);
  const Area outer = box_area (painter, box), all = grow (outer, painter->rim);
  const int thick = painter->line + 2 * painter->rim, between = all.height - 2 * thick;

  if (between <= 0 || all.width <= 2 * thick) {
    add_strip (painter, composition, colour, outer, all);
    return;
  }
  add_strip (painter, composition, colour, outer, (Area){ all.x, all.y, all.width, thick });
  add_strip (painter, composition, colour, outer, (Area){ all.x, all.y + all.height - thick, all.width, thick });
  add_strip (painter, composition, colour, outer, (Area){ all.x, all.y + thick, thick, between });
  add_strip (painter, composition, colour, outer, (Area){ all.x + all.width - thick, all.y + thick, thick, between });
}

/* ---- The font ---- */

/* Whether the fonts have one of the families that @names lists, or the name stands for any font of its kind. */
static gboolean
has_family (PangoContext *pango, const char *names)
{
  static const char *const generic[] = { "sans",      "sans-serif", "serif",   "mono",  "monospace",
                                         "system-ui", "cursive",    "fantasy", "emoji", NULL };
  g_auto (GStrv) words = g_strsplit (names, ",", -1);
  g_autofree PangoFontFamily **families = NULL;
  int n;

  pango_font_map_list_families (pango_context_get_font_map (pango), &families, &n);
  for (guint i = 0; words[i] != NULL; i++) {
    const char *word = g_strstrip (words[i]);
    for (guint k = 0; generic[k] != NULL; k++)
      if (g_ascii_strcasecmp (word, generic[k]) == 0)
        return TRUE;
    for (int k = 0; k < n; k++)
      if (g_ascii_strcasecmp (word, pango_font_family_get_name (families[k])) == 0)
        return TRUE;
  }
  return FALSE;
}

/* The family that texts in @font are really drawn in. (transfer full) (nullable) */
static char *
find_family (PangoContext *pango, const PangoFontDescription *font)
{
  g_autoptr (PangoFont) found = pango_context_load_font (pango, font);

  if (found == NULL)
    return NULL;
  g_autoptr (PangoFontDescription) description = pango_font_describe (found);
  return g_strdup (pango_font_description_get_family (description));
}

/* Pango draws in some font whatever one asks for, and says nothing. A name that stands for another font, as those of
 * many well-known ones do, is no mistake: it leads to something else than a name that nobody knows. */
static void
check_font (GstCbamPainter *painter)
{
  const char *wanted = pango_font_description_get_family (painter->font);
  g_autoptr (PangoFontDescription) unknown = pango_font_description_from_string ("no family of this name");

  g_clear_error (&painter->bad_font);
  if (wanted == NULL || has_family (painter->pango, wanted))
    return;
  g_autofree char *found = find_family (painter->pango, painter->font);
  g_autofree char *usual = find_family (painter->pango, unknown);
  if (g_strcmp0 (found, usual) == 0)
    painter->bad_font = g_error_new (
        GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "font-desc: expected a font that is installed, found \"%s\"; labels are drawn in %s.", wanted, found);
}

static void
read_font (GstCbamPainter *painter)
{
  g_clear_pointer (&painter->font, pango_font_description_free);
  painter->font = pango_font_description_from_string (painter->settings.font != NULL ? painter->settings.font : "");
  if (!(pango_font_description_get_set_fields (painter->font) & PANGO_FONT_MASK_SIZE))
    pango_font_description_set_absolute_size (painter->font, painter->font_size * PANGO_SCALE);
}

/* ---- Labels ---- */

/* A filled rectangle in the class's colour with its name in black or white. */
static GstBuffer *
render_label (GstCbamPainter *painter, const char *text, CbamDrawingColour colour)
{
  g_autoptr (PangoLayout) layout = pango_layout_new (painter->pango);
  const CbamDrawingColour ink = cbam_drawing_ink (colour);
  const int pad = MAX (2, painter->font_size / 4);

  pango_layout_set_font_description (layout, painter->font);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  pango_layout_set_ellipsize (layout, PANGO_ELLIPSIZE_MIDDLE);
  pango_layout_set_width (layout, MAX (1, painter->width - 2 * pad) * PANGO_SCALE);
  PangoRectangle extents;
  pango_layout_get_pixel_extents (layout, NULL, &extents);
  const int width = CLAMP (extents.width + 2 * pad, 1, painter->width);
  const int height = CLAMP (extents.height + pad / 2, 1, painter->height);

  GstMapInfo map;
  GstBuffer *buffer = pixels_new (width, height, &map);
  if (buffer == NULL)
    return NULL;
  cairo_surface_t *surface =
      cairo_image_surface_create_for_data (map.data, CAIRO_FORMAT_ARGB32, width, height, width * 4);
  cairo_t *cr = cairo_create (surface);
  cairo_set_operator (cr, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_rgb (cr, colour.r, colour.g, colour.b);
  cairo_paint (cr);
  cairo_set_operator (cr, CAIRO_OPERATOR_OVER);
  cairo_set_source_rgb (cr, ink.r, ink.g, ink.b);
  cairo_move_to (cr, pad - extents.x, (height - extents.height) * 0.5 - extents.y);
  pango_cairo_show_layout (cr, layout);
  cairo_destroy (cr);
  cairo_surface_finish (surface);
  cairo_surface_destroy (surface);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static void
append_score (GString *text, double score)
{
  if (score >= 0)
    g_string_append_printf (text, " %ld%%", lround (MIN (score, 1) * 100));
}

/* ": malamute 34%, husky 20%" */
static void
append_classes (GString *text, const GPtrArray *classes, gboolean scores)
{
  const char *separator = text->len > 0 ? ": " : "";

  for (guint i = 0; i < MIN (classes->len, MAX_CLASSES_WRITTEN); i++) {
    const GstStructure *class = g_ptr_array_index (classes, i);
    const char *label = gst_structure_get_string (class, "label");
    g_autofree char *name = g_utf8_make_valid (label != NULL ? label : "", -1);
    double score = -1;
    g_string_append_printf (text, "%s%s", separator, name);
    if (scores && gst_cbam_field_get_number (class, "confidence", &score))
      append_score (text, score);
    separator = ", ";
  }
}

/* Returns (transfer full): what the label of @box says, maybe nothing. */
static char *
label_text (const GstCbamPainter *painter, const GstCbamBox *box)
{
  const GstCbamLabelText parts = painter->settings.label_text;
  g_autofree char *name = g_utf8_make_valid (box->label, -1); /* somebody else's may be anything */
  GString *text = g_string_new (parts & GST_CBAM_LABEL_TEXT_NAME && !box->whole ? name : NULL);

  if (parts & GST_CBAM_LABEL_TEXT_SCORE)
    append_score (text, box->score);
  if (parts & GST_CBAM_LABEL_TEXT_ID && box->id >= 0)
    g_string_append_printf (text, " #%" G_GINT64_FORMAT, box->id);
  if (parts & GST_CBAM_LABEL_TEXT_CLASSES && box->classes != NULL)
    append_classes (text, box->classes, parts & GST_CBAM_LABEL_TEXT_SCORE);
  return g_strstrip (g_string_free (text, FALSE));
}

/* (transfer none) (nullable) */
static GstBuffer *
find_label (GstCbamPainter *painter, const GstCbamBox *box)
{
  const CbamDrawingColour colour = box_colour (painter, box);
  g_autofree char *text = label_text (painter, box);
  g_autofree char *key = g_strdup_printf ("%08x%s", cbam_drawing_pixel (colour, 1), text);

  if (*text == '\0')
    return NULL;
  GstBuffer *pixels = g_hash_table_lookup (painter->labels, key);
  if (pixels == NULL) {
    pixels = render_label (painter, text, colour);
    if (pixels == NULL)
      return NULL;
    g_hash_table_insert (painter->labels, g_steal_pointer (&key), pixels);
  }
  return pixels;
}

/* Strong detections choose their places first and are drawn last, so that they lie on top where there is no room. */
static void
add_labels (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const GArray *boxes)
{
  g_autoptr (CbamDrawingPlates) plates = cbam_drawing_plates_new (painter->width, painter->height);
  g_autofree GstBuffer **labels = g_new0 (GstBuffer *, MAX (boxes->len, 1));
  g_autofree Area *places = g_new (Area, MAX (boxes->len, 1));

  if (g_hash_table_size (painter->labels) > MAX_LABELS_KEPT)
    g_hash_table_remove_all (painter->labels);
  for (guint i = 0; i < boxes->len; i++) {
    const GstCbamBox *box = &g_array_index (boxes, GstCbamBox, i);
    const Area area = box_area (painter, box);
    labels[i] = find_label (painter, box);
    if (labels[i] == NULL)
      continue;
    const GstVideoMeta *meta = gst_buffer_get_video_meta (labels[i]);
    const cairo_rectangle_t place = cbam_drawing_plates_place (
        plates, &(cairo_rectangle_t){ area.x, area.y, area.width, area.height }, meta->width, meta->height);
    places[i] = (Area){ (int) place.x, (int) place.y, (int) place.width, (int) place.height };
  }
  for (guint i = boxes->len; i-- > 0;)
    if (labels[i] != NULL)
      add_pixels (composition, labels[i], &places[i]);
}

/* ---- Heat ---- */

/* From the coldest place of the frame, which stays as it is, to the hottest. A map that is the same everywhere says
 * nothing and is not drawn. */
static void
add_heat (GstCbamPainter *painter, GstVideoOverlayComposition *composition, CbamDrawingHeat *heat)
{
  const Area frame = { 0, 0, painter->width, painter->height };
  const double scale = MIN (1, HEAT_SIZE / (double) MAX (frame.width, frame.height));
  const int width = MAX (1, (int) lround (frame.width * scale)), height = MAX (1, (int) lround (frame.height * scale));
  GstMapInfo map;

  if (!cbam_drawing_heat_stretch (heat, frame.width, frame.height))
    return;
  cbam_drawing_heat_scale (heat, width / (double) frame.width, height / (double) frame.height);
  g_autoptr (GstBuffer) pixels = pixels_new (width, height, &map);
  if (pixels == NULL)
    return;
  cbam_drawing_heat_fill (heat, 0, painter->settings.heat_opacity, map.data, width, height, width * 4);
  gst_buffer_unmap (pixels, &map);
  add_pixels (composition, pixels, &frame);
}

static void
add_attention (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const GstCbamScene *scene)
{
  const GstCbamAttentionView view = painter->settings.attention_view;
  CbamDrawingHeat *heat = cbam_drawing_heat_new (
      view == GST_CBAM_ATTENTION_VIEW_MEAN ? CBAM_DRAWING_HEAT_MEAN : CBAM_DRAWING_HEAT_MAX, NULL, NULL, "attention");

  for (guint i = 0; i < scene->levels->len; i++) {
    const CbamAttention *level = g_ptr_array_index (scene->levels, i);
    if (view < GST_CBAM_ATTENTION_VIEW_LEVEL_0 || level->level == view - GST_CBAM_ATTENTION_VIEW_LEVEL_0)
      cbam_drawing_heat_add_attention (heat, level);
  }
  add_heat (painter, composition, heat);
  cbam_drawing_heat_free (heat);
}

/* Grad-CAM comes as 0..1, and 0 everywhere where nothing speaks for the detection. */
static void
add_grad_cam (GstCbamPainter *painter, GstVideoOverlayComposition *composition, const GstCbamScene *scene)
{
  CbamDrawingHeat *heat = cbam_drawing_heat_new (CBAM_DRAWING_HEAT_MAX, NULL, NULL, "Grad-CAM");

  for (guint i = 0; i < scene->grad_cam->len; i++) {
    const CbamMap *map = g_ptr_array_index (scene->grad_cam, i);
    float min, max;
    cbam_drawing_map_range (map, &min, &max);
    if (max > 0)
      cbam_drawing_heat_add (heat, map, 0, 1);
  }
  add_heat (painter, composition, heat);
  cbam_drawing_heat_free (heat);
}

/* ---- The door ---- */

void
gst_cbam_painter_set_settings (GstCbamPainter *painter, const GstCbamOverlaySettings *settings)
{
  if (painter->settings.serial == settings->serial)
    return;
  gst_cbam_overlay_settings_copy (&painter->settings, settings);
  painter->changed = TRUE;
}

void
gst_cbam_painter_set_size (GstCbamPainter *painter, int width, int height)
{
  if (painter->width == width && painter->height == height && !painter->changed)
    return;

  const int shorter = MIN (width, height);
  const int automatic = CLAMP (1 + (shorter + 160) / 560, 1, 16) * 2; /* 2 pixels below 400 lines, 6 at 1080 */
  painter->width = width;
  painter->height = height;
  painter->line = painter->settings.line_width > 0 ? (int) painter->settings.line_width : automatic;
  painter->rim = MAX (1, (painter->line + 2) / 6);
  painter->font_size = CLAMP ((shorter + 18) / 36, 10, 128); /* 13 pixels at 480 lines, 20 at 720 */

  read_font (painter);
  if (painter->changed) {
    check_font (painter);
    read_colours (painter);
  }
  painter->changed = FALSE;

  g_hash_table_remove_all (painter->labels);
  G_GNUC_UNUSED g_autoptr (GstBuffer) first =
      render_label (painter, "0", cbam_drawing_class_colour (0)); /* for its font */
}

GError *
gst_cbam_painter_take_complaint (GstCbamPainter *painter)
{
  if (painter->bad_colours != NULL)
    return g_steal_pointer (&painter->bad_colours);
  return g_steal_pointer (&painter->bad_font);
}

GstVideoOverlayComposition *
gst_cbam_painter_draw (GstCbamPainter *painter, const GstCbamScene *scene, GstCbamOverlayParts what)
{
  g_autoptr (GstVideoOverlayComposition) composition = gst_video_overlay_composition_new (NULL);

  if (what & GST_CBAM_OVERLAY_ATTENTION)
    add_attention (painter, composition, scene);
  if (what & GST_CBAM_OVERLAY_GRAD_CAM)
    add_grad_cam (painter, composition, scene);
  /* Boxes come by falling score: the best is drawn last, and labels on top of all boxes. */
  if (what & GST_CBAM_OVERLAY_BOXES)
    for (guint i = scene->boxes->len; i-- > 0;) {
      const GstCbamBox *box = &g_array_index (scene->boxes, GstCbamBox, i);
      if (!box->whole)
        add_box (painter, composition, box);
    }
  if (what & GST_CBAM_OVERLAY_LABELS)
    add_labels (painter, composition, scene->boxes);
  return gst_video_overlay_composition_n_rectangles (composition) > 0 ? g_steal_pointer (&composition) : NULL;
}
