/* cbam-eval: how well a model finds what people marked in pictures. Start reading at evaluate().
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "classifier-eval.h"
#include "detector-eval.h"
#include "eval-options.h"
#include "shared/clamped.h"
#include "shared/program.h"

#include <cbamdetect/cbamdetect.h>
#include <string.h>

static EvalOptions options = { .nms_across = 1, .model_config.precision = CBAM_PRECISION_FP32 };

static gboolean
take_precision (const char *option, const char *value, gpointer unused, GError **error)
{
  return cbam_precision_parse (value, &options.model_config.precision, error);
}

static const GOptionEntry entries[] = {
  { "model", 'm', 0, G_OPTION_ARG_FILENAME, &options.model,
    "The model file (.safetensors; default: the one that ships with cbamdetect)", "FILE" },
  { "device", 'd', 0, G_OPTION_ARG_STRING, &options.device,
    "Its index, part of its name, cpu (the processor itself) or gpu (default: the best there is)", "DEVICE" },
  { "cpu-threads", 0, 0, G_OPTION_ARG_INT, &options.cpu_threads,
    "Threads where the processor itself computes, 0 = as many processors as it may use (default: 0)", "N" },
  { "precision", 0, 0, G_OPTION_ARG_CALLBACK, take_precision,
    "Numbers to compute with: auto, fp32, fp16 or bf16, as the device has them (default: fp32, as published figures)",
    "PRECISION" },
  { "split", 's', 0, G_OPTION_ARG_STRING, &options.split,
    "Which pictures: those of ImageSets/Main/SPLIT.txt (default: test), or for a classifier of the folder SPLIT",
    "SPLIT" },
  { "map", 0, 0, G_OPTION_ARG_FILENAME, &options.map,
    "What the set calls the model's labels, in lines 'model label = set label'", "NAMES" },
  { "nms-across", 0, 0, G_OPTION_ARG_DOUBLE, &options.nms_across,
    "Leave out boxes that overlap a stronger one of another class by more than this, 0 to 1, which no published figure "
    "does (default: 1, none)",
    "IOU" },
  { "json", 'j', 0, G_OPTION_ARG_NONE, &options.json, "Print one JSON object instead of tables", NULL },
  { "attention", 'a', 0, G_OPTION_ARG_NONE, &options.attention,
    "Measure how well spatial attention tells objects from background", NULL },
  { "plots", 'p', 0, G_OPTION_ARG_FILENAME, &options.plots, "Draw precision-recall curves as SVG files in a folder",
    "DIR" },
  { "detections", 0, 0, G_OPTION_ARG_FILENAME, &options.detections,
    "Write every detection that was counted, or a classifier's best five, to a file", "FILE" },
  { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.folders, NULL, "FOLDER..." },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static CbamModel *
load_model (GError **error)
{
  const CbamDeviceConfig config = { .cpu_threads = (guint) MAX (options.cpu_threads, 0) };
  g_autoptr (CbamDevice) device = cbam_device_open_configured (options.device, &config, error);
  return device != NULL ? cbam_model_load (device, options.model, &options.model_config, error) : NULL;
}

static gboolean
run (GError **error)
{
  g_autoptr (CbamModel) model = load_model (error);
  if (model == NULL)
    return FALSE;
  const CbamModelInfo *info = cbam_model_get_info (model);
  clamped_tell_of_model (info);
  return strcmp (info->task, "detect") == 0 ? eval_detector (model, &options, error)
                                            : eval_classifier (model, &options, error);
}

static int
evaluate (void)
{
  g_autoptr (GError) error = NULL;
  if (run (&error))
    return STATUS_OK;
  program_complain ("%s", error->message);
  return STATUS_FAILED;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static const char description[] =
    "For a detector FOLDER is laid out as VOC2007 of Pascal VOC's devkit is, with JPEGImages/, Annotations/ and\n"
    "ImageSets/Main/, or is a folder of such folders. For a classifier it has a folder of pictures for each class, as\n"
    "ImageNet's sets have. Several are evaluated together.\n\n"
    "Examples:\n"
    "  cbam-eval --model m.safetensors VOCdevkit/VOC2007\n"
    "  cbam-eval -m m.safetensors --split val --plots curves/ VOCdevkit\n"
    "  cbam-eval -m coco.safetensors --map coco-to-voc.txt --json VOCdevkit/VOC2007 > result.json\n"
    "  cbam-eval -m classifier.safetensors --split val --map imagenet-folders.txt imagenet\n\n"
    "Detectors: the classes are those of the split's annotations. A detection is right if it overlaps an object of its "
    "class by\n"
    "an intersection over union of 0.5 or more, and is the first to do so; one that overlaps a difficult object most\n"
    "is neither right nor wrong. All models run with the settings of published figures: scores above 0.01, the best\n"
    "400 of each class, non-maximum suppression at 0.45, 200 detections a picture; --nms-across leaves out more.\n"
    "Where scores are equal, the earlier picture counts first. Classes without objects that are not difficult have no\n"
    "average precision, shown as '-', and are not in the mean. The interval tells how much the mean would vary over\n"
    "other pictures of the same kind (1000 resamples). Precision and recall are those at the threshold of the model\n"
    "file.\n\n"
    "Classifiers: a picture is cut and resized as the model file says. Top-1 is the share of pictures whose best "
    "label\n"
    "means their folder, top-5 of those where one of the best five does. The interval is Wilson's.\n\n"
    "A line of --map is 'model label = set label'; '#' begins a comment. Labels without a line mean the class of "
    "their\n"
    "own name; 'label =' means none, and its detections are left out, as are those of labels that the set lacks. A\n"
    "classifier's answers are never left out: one that means none is wrong.\n\n"
    "--json prints {\"model\", \"split\", \"pictures\", \"map_11point\", \"map_area\", \"map_50_95\",\n"
    "\"interval\": [low, high], \"threshold\", \"nms_across\", \"best_f1\": {\"f1\", \"threshold\", \"precision\",\n"
    "\"recall\"}, \"seconds_per_picture\", \"classes\": [{\"name\", \"objects\", \"ap_11point\", \"ap_area\",\n"
    "\"ap_50_95\", \"precision\", \"recall\"}]}, all shares\n"
    "as fractions, and what has no value as null. With --attention it also has \"attention\": [{\"level\", \"width\",\n"
    "\"height\", \"inside\", \"outside\", \"auc\", \"auc_less_mean\", \"border\", \"inner\"}]: the number of cells on "
    "objects\n"
    "and beside them, the chance that one on an object weighs more than one beside, the same after the mean map of "
    "all\n"
    "pictures was subtracted, and the mean map's mean on its outermost cells and within. A map of one cell tells only\n"
    "pictures apart: its two chances are null.\n"
    "For a classifier it prints {\"model\", \"split\", \"pictures\", \"top1\", \"interval\": [low, high], \"top5\",\n"
    "\"mean_top1\", \"seconds_per_picture\", \"classes\": [{\"name\", \"pictures\", \"top1\", \"top5\", "
    "\"taken_for\",\n"
    "\"taken_for_times\"}]}.\n"
    "--detections writes lines of 'picture class score xmin ymin xmax ymax' with tabs between, in VOC's pixels, which\n"
    "count from 1; of a classifier of 'CLASS/PICTURE label score'. With several folders a picture's name begins with\n"
    "its FOLDER/.\n\n"
    "Exit status: 0, 1 when something could not be read or run, 2 for wrong options.\n";

static const char *
check_options (void)
{
  if (options.version)
    return NULL;
  if (options.folders == NULL)
    return "say where the pictures are: FOLDER";
  if (!(options.nms_across >= 0 && options.nms_across <= 1))
    return "--nms-across is a share from 0 to 1";
  if (options.split != NULL && (*options.split == '\0' || strchr (options.split, G_DIR_SEPARATOR) != NULL))
    return "--split is the name of a list in ImageSets/Main, without .txt, or of a folder of classes";
  return NULL;
}

static const Program program = {
  .name = "cbam-eval",
  .summary =
      "Measures how well a model finds objects that people marked, as Pascal VOC does, or names what pictures show.",
  .description = description,
  .entries = entries,
  .check_options = check_options,
};

int
main (int argc, char **argv)
{
  int status = STATUS_USAGE;
  if (program_start (&program, &argc, &argv))
    status = options.version ? program_print_version () : evaluate ();
  status = program_end (status);
  g_free (options.model);
  g_free (options.device);
  g_free (options.split);
  g_free (options.map);
  g_free (options.detections);
  g_free (options.plots);
  g_strfreev (options.folders);
  return status;
}
