"""SSD on VGG16 for 300 or 512 pixels, as amdegroot/ssd.pytorch, lzx1413/PytorchSSD (of ruinmessi/RFBNet's family),
lufficc/SSD and torchvision save it. They differ in names, anchors and what they do to a picture first.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.document import anchors_of, data_set, document_of, input_of
from converter.layers import Layers
from shared.faults import DataError

# 3x3 convolutions: place in the list of modules, channels. fc6 (dilated) and fc7 follow.
TRUNK = ((0, 64), (2, 64), (5, 128), (7, 128), (10, 256), (12, 256), (14, 256),
         (17, 512), (19, 512), (21, 512), (24, 512), (26, 512), (28, 512))
FC6, FC7 = 31, 33
# Channels and kernel. SSD512 has a pair more, and all of its 3x3 are strided.
EXTRAS = ((256, 1), (512, 3), (128, 1), (256, 3), (128, 1), (256, 3), (128, 1), (256, 3), (128, 1), (256, 4))
SIZES = {8: 300, 10: 512}  # by the number of extras

MAPS = {300: (38, 19, 10, 5, 3, 1), 512: (64, 32, 16, 8, 4, 2, 1)}
STEPS = {300: (8, 16, 32, 64, 100, 300), 512: (8, 16, 32, 64, 128, 256, 512)}
# The min sizes and, last, one more: a level's max size is the next one's min size.
BOX_SIZES = {
    (300, "voc"): (30, 60, 111, 162, 213, 264, 315),
    (300, "coco"): (21, 45, 99, 153, 207, 261, 315),
    (512, "voc"): (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6),
    (512, "coco"): (20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72),
}

RGB_MEAN = (123, 117, 104)


def take_trunk(layers):
    """VGG16, the scale of conv4_3, and the extras. Returns the input's size and the channels of the maps that have
    heads, fine to coarse."""
    inputs = 3
    for place, outputs in TRUNK:
        layers.conv(f"vgg.{place}", outputs, inputs, 3)
        inputs = outputs
    layers.conv(f"vgg.{FC6}", 1024, inputs, 3)
    layers.conv(f"vgg.{FC7}", 1024, 1024, 1)
    layers.take("L2Norm.weight", 512)

    count = sum(layers.has(f"extras.{n}.weight") for n in range(len(EXTRAS)))
    if count not in SIZES:
        raise DataError(f"'{layers.source.base}': expected 8 extra convolutions (SSD300) or 10 (SSD512), "
                           f"found {count}")
    inputs, sources = 1024, [512, 1024]
    for n, (outputs, kernel) in enumerate(EXTRAS[:count]):
        layers.conv(f"extras.{n}", outputs, inputs, kernel)
        inputs = outputs
        if n % 2:
            sources.append(outputs)
    return SIZES[count], sources


def anchors(size, sizes, boxes, clip="cxcywh"):
    levels = len(boxes)
    return anchors_of(MAPS[size][:levels], STEPS[size][:levels], sizes[:levels], sizes[1:levels + 1], boxes, clip)


def convert_ssd(source, prefixes, project, profile, channels, sizes_of, clip="cxcywh", **unusual):
    """`sizes_of(size, classes)` are the anchors' sizes; `unusual` is what else network and input say."""
    layers = Layers(source, prefixes)
    size, sources = take_trunk(layers)
    boxes, classes = layers.heads(sources)
    network = {"detector": "ssd", "backbone": "vgg16", "levels": len(sources),
               "attention": layers.attention(sources), **unusual.get("network", {})}
    mean = RGB_MEAN if channels == "rgb" else RGB_MEAN[::-1]
    document = document_of(source, f"ssd{size}-vgg16", project, classes, network,
                           {**input_of(size, channels, mean), **unusual.get("input", {})},
                           anchors(size, sizes_of(size, classes), boxes, clip), profile)
    return layers.finish(), document


def box_sizes(size, classes):
    """Those of the data set that has so many classes; Pascal VOC's for one of the user's own."""
    return BOX_SIZES[size, data_set(classes) or "voc"]


# ---- ssd.pytorch ----------------------------------------------------------------------------------------------------


def detect_ssd_pytorch(source):
    return "vgg.0.weight" in source.tensors and not any(name.startswith("topdown.") for name in source.tensors)


def convert_ssd_pytorch(source):
    # It takes COCO's sizes for whatever has not VOC's 21 classes.
    return convert_ssd(source, (), "amdegroot/ssd.pytorch", "ssd.pytorch", "rgb",
                       lambda size, classes: BOX_SIZES[size, "voc" if classes == 21 else "coco"])


# ---- RFBNet's family ------------------------------------------------------------------------------------------------


def detect_rfbnet(source):
    return "base.0.weight" in source.tensors


def refuse_rfb(source):
    """RFB-Net proper shares its plain SSD's names, but has blocks that SSD has not."""
    for name in sorted(source.tensors):
        if ".branch0." in name or ".branch1." in name or ".ConvLinear." in name:
            raise DataError(f"'{source.base}' is an RFB-Net, which is not run here (it has '{name}'); "
                               "its family's plain SSD is")


def convert_rfbnet(source):
    refuse_rfb(source)
    norm = "Norm." if "Norm.weight" in source.tensors else "L2Norm."
    return convert_ssd(source, (("vgg.", "base."), ("L2Norm.", norm)), "lzx1413/PytorchSSD", "rfbnet", "bgr", box_sizes)


# ---- lufficc --------------------------------------------------------------------------------------------------------

LUFFICC = (("vgg.", "backbone.vgg."), ("L2Norm.", "backbone.l2_norm."), ("extras.", "backbone.extras."),
           ("loc.", "box_head.predictor.reg_headers."), ("conf.", "box_head.predictor.cls_headers."))


def detect_lufficc(source):
    return "backbone.vgg.0.weight" in source.tensors


def lufficc_sizes(size, classes):
    sizes = box_sizes(size, classes)
    return sizes[:-1] + (537.65,) if sizes[-1] == 537.6 else sizes


def convert_lufficc(source):
    return convert_ssd(source, LUFFICC, "lufficc/SSD", "lufficc", "rgb", lufficc_sizes)


# ---- torchvision ----------------------------------------------------------------------------------------------------

# conv5 and the fully connected layers are nested Sequentials in front of the extras; an extra's two convolutions are
# members 0 and 2 of its Sequential.
TORCHVISION = (
    ("vgg.24.", "backbone.extra.0.1."), ("vgg.26.", "backbone.extra.0.3."), ("vgg.28.", "backbone.extra.0.5."),
    (f"vgg.{FC6}.", "backbone.extra.0.7.1."), (f"vgg.{FC7}.", "backbone.extra.0.7.3."),
    ("vgg.", "backbone.features."),
    ("L2Norm.weight", "backbone.scale_weight"),
    *((f"extras.{n}.", f"backbone.extra.{1 + n // 2}.{2 * (n % 2)}.") for n in range(len(EXTRAS))),
    ("loc.", "head.regression_head.module_list."), ("conf.", "head.classification_head.module_list."),
)
TORCHVISION_MEAN = (0.48235, 0.45882, 0.40784)  # of pixels 0 to 1, with a deviation of 1/255


def detect_torchvision(source):
    return "backbone.features.0.weight" in source.tensors and "backbone.scale_weight" in source.tensors


def convert_torchvision(source):
    if "backbone.extra.5.0.weight" in source.tensors:
        raise DataError(f"'{source.base}': torchvision's SSD512 has maps of its own (6 and 4 cells where all others "
                           "have 4 and 2), which are not converted")
    # It resizes floats, not bytes, clamps only the anchors' width and height, and divides by max (length, 1e-12): the
    # same as adding so little to the length.
    return convert_ssd(source, TORCHVISION, "torchvision's ssd300_vgg16", "torchvision", "rgb",
                       lambda size, _: BOX_SIZES[size, "coco"], clip="wh", network={"l2norm_eps": 1e-12},
                       input={"mean": [255 * mean for mean in TORCHVISION_MEAN], "rounding": "none"})
