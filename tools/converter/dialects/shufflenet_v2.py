"""ShuffleNetV2 (Ma et al. 2018, arXiv 1807.11164) as torchvision saves it, a classifier, and its trunk as RangiLyu/nanodet
does, to start training from. Their names are ours.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from converter.document import classifier_of
from converter.layers import Layers
from shared.faults import DataError

STAGES = ((2, 4), (3, 8), (4, 4))  # their number and their units
STEM = 24
WIDTHS = {(48, 96, 192): 0.5, (116, 232, 464): 1, (176, 352, 704): 1.5, (244, 488, 976): 2}
LAST = {2: 2048}  # channels of the classifier's last convolution, by width
USUAL_LAST = 1024

# What a picture becomes: of the pixels 0 to 255 in the order of the channels.
TORCHVISION = {"channels": "rgb", "mean": [255 * mean for mean in (0.485, 0.456, 0.406)],
               "scale": [1 / (255 * deviation) for deviation in (0.229, 0.224, 0.225)]}
NANODET = {"channels": "bgr", "mean": [103.53, 116.28, 123.675],
           "scale": [1 / deviation for deviation in (57.375, 57.12, 58.395)]}
SLOPE = 0.1  # of NanoDet's leaky ReLU


def width_of(name, channels):
    """The multiplier that makes stages so deep, in a file of that name."""
    if tuple(channels) not in WIDTHS:
        raise DataError(f"'{name}': expected ShuffleNetV2's stages, {' or '.join(map(str, WIDTHS))} channels deep, "
                        f"found {tuple(channels)}")
    return WIDTHS[tuple(channels)]


def detect_shufflenet(source):
    return "conv1.0.weight" in source.tensors and "stage2.0.branch1.0.weight" in source.tensors


def convert_shufflenet(source):
    """torchvision's classifier tells its checkpoints from NanoDet's."""
    layers = Layers(source)
    is_classifier, is_torchvision = layers.has("fc.weight"), layers.has("conv5.0.weight")
    depths = [2 * layers.shape(f"stage{stage}.0.branch1.2.weight", 4)[0] for stage, _ in STAGES]
    width = width_of(source.base, depths)
    layers.conv("conv1.0", STEM, 3, 3, "conv1.1")
    inputs = STEM
    for (stage, units), outputs in zip(STAGES, depths):
        for unit in range(units):
            take_unit(layers, f"stage{stage}.{unit}", inputs, outputs // 2, unit == 0)
        inputs = outputs
    project = "torchvision" if is_torchvision else "RangiLyu/nanodet"
    activation = {"activation": "relu"} if is_torchvision else {"activation": "leaky_relu", "slope": SLOPE}
    document = {
        "version": 1,
        "name": f"shufflenet-v2-x{width:.1f}",
        "description": "ShuffleNetV2's trunk, to start training from; no detector yet",
        "network": {"backbone": "shufflenet_v2", "width": width, **activation},
        "input": TORCHVISION if is_torchvision else NANODET,
        "provenance": {"recipe": f"as {project} has it; converted by tools/convert", "source": source.base},
    }
    if is_classifier:
        last = LAST.get(width, USUAL_LAST)
        layers.conv("conv5.0", last, inputs, 1, "conv5.1")
        document = classifier_of(layers, document, last)
    else:
        layers.drop("conv5.", "fc.")  # of a classifier that is none any more
    return layers.finish(), document


def take_unit(layers, name, inputs, half, is_first):
    """The first one of a stage, with stride 2, has both branches; in the others one half of the channels passes."""
    if is_first:
        layers.conv(f"{name}.branch1.0", inputs, 1, 3, f"{name}.branch1.1")
        layers.conv(f"{name}.branch1.2", half, inputs, 1, f"{name}.branch1.3")
    layers.conv(f"{name}.branch2.0", half, inputs if is_first else half, 1, f"{name}.branch2.1")
    layers.conv(f"{name}.branch2.3", half, 1, 3, f"{name}.branch2.4")
    layers.conv(f"{name}.branch2.5", half, half, 1, f"{name}.branch2.6")
