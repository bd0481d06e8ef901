"""SSD on MobileNetV1, as ruinmessi/RFBNet's family and qfgaohao/pytorch-ssd save it: the same trunk, other names,
extras, heads and anchors.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.dialects.vgg16 import refuse_rfb
from converter.document import anchors_of, document_of, input_of
from converter.layers import Layers

BLOCKS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)  # at width 1, as the first layer's 32
SOURCE_BLOCKS = (11, 13)
EXTRAS = 4
MAPS = (19, 10, 5, 3, 2, 1)
STEPS = (16, 32, 64, 100, 150, 300)


def take_trunk(layers):
    """MobileNetV1 of whatever width. Returns the width and the channels of the two maps that have heads."""
    inputs, sources = layers.shape("base_net.0.0.weight", 4)[0], []
    width = inputs / 32
    layers.conv("base_net.0.0", inputs, 3, 3, "base_net.0.1")
    for block, channels in enumerate(BLOCKS, 1):
        outputs = max(8, int(channels * width))
        layers.conv(f"base_net.{block}.0", inputs, 1, 3, f"base_net.{block}.1")
        layers.conv(f"base_net.{block}.3", outputs, inputs, 1, f"base_net.{block}.4")
        inputs = outputs
        if block in SOURCE_BLOCKS:
            sources.append(outputs)
    return width, sources


def take_extras(layers, inputs):
    """Pairs of 1x1 and 3x3 of whatever width, behind a map so deep. Returns the channels of the second ones."""
    sources = []
    for extra in range(EXTRAS):
        for place, kernel in ((0, 1), (2, 3)):
            name = f"extras.{extra}.{place}"
            outputs = layers.shape(f"{name}.weight", 4)[0]
            layers.conv(name, outputs, inputs, kernel, f"{name}.bn")
            inputs = outputs
        sources.append(outputs)
    return sources


def convert_ssd(source, prefixes, project, profile, picture, sizes):
    layers = Layers(source, prefixes)
    width, sources = take_trunk(layers)
    sources += take_extras(layers, sources[-1])
    boxes, classes = layers.heads(sources)
    network = {"detector": "ssd", "backbone": "mobilenet_v1", "width": width, "levels": len(sources),
               "attention": layers.attention(sources)}
    document = document_of(source, "ssd300-mobilenet-v1", project, classes, network, picture,
                           anchors_of(MAPS, STEPS, sizes[:-1], sizes[1:], boxes, "cxcywh"), profile)
    return layers.finish(), document


# ---- RFBNet's family ------------------------------------------------------------------------------------------------

# Its extras are a flat list of blocks of a convolution and a batch norm.
RFBNET = (
    ("base_net.", "base."),
    *((f"extras.{n // 2}.{2 * (n % 2)}.bn.", f"extras.{n}.bn.") for n in range(2 * EXTRAS)),
    *((f"extras.{n // 2}.{2 * (n % 2)}.", f"extras.{n}.conv.") for n in range(2 * EXTRAS)),
)


def detect_rfbnet(source):
    return "base.0.0.weight" in source.tensors


def convert_rfbnet(source):
    refuse_rfb(source)
    return convert_ssd(source, RFBNET, "ruinmessi/RFBNet", "rfbnet", input_of(300, "bgr", (103.94, 116.78, 123.68)),
                       (45, 90, 135, 180, 225, 270, 315))


# ---- qfgaohao -------------------------------------------------------------------------------------------------------

QFGAOHAO_SIZES = (60, 105, 150, 195, 240, 285, 330)
QFGAOHAO = (("loc.", "regression_headers."), ("conf.", "classification_headers."))


def detect_qfgaohao(source):
    return "base_net.1.0.weight" in source.tensors and any(name.startswith("classification_headers.")
                                                           for name in source.tensors)


def convert_qfgaohao(source):
    return convert_ssd(source, QFGAOHAO, "qfgaohao/pytorch-ssd", "qfgaohao",
                       input_of(300, "rgb", (127, 127, 127), 1 / 128), QFGAOHAO_SIZES)
