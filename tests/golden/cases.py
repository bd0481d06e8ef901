"""The small networks: every variant of models/README.md in at least one, each as small as it can be.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

from form import Extras, Form, Gate, Neck

CLASSES = ["background", "person", "dog", "car", "bird"]

# 12x8, 6x4, 3x2 and 2x1 cells on a MobileNet of 96x64 pixels; 8x6, 4x3, 2x2 and 1x1 on 64x48.
FINE = ["base_net.5.3", "base_net.11.3", "base_net.13.3", "extras.0.2"]
# 12x8, 6x4, 3x2 and 2x1 on 48x32
EARLY = ["base_net.2.3", "base_net.4.3", "base_net.6.3", "base_net.12.3"]


def case(name, backbone, size, form, attention=None, anchors=None, input=None, output=None, nms=None,
         **network):
    """A case: its name, document and form. Anchors come without maps, which follow from the network."""
    network = {"backbone": backbone, "width": 0.125, **network}
    if "sources" in network:
        network.setdefault("levels", len(network["sources"]))
    network.setdefault("detector", "stairnet" if form.neck else "ssd")
    levels, (width, height) = network["levels"], size
    if attention:
        network["attention"] = attention
    least = [round(min(size) * (0.2 + 0.7 * l / levels)) for l in range(levels + 1)]
    return name, {
        "version": 1,
        "name": name,
        "network": network,
        "input": {"width": width, "height": height, "channels": "rgb", "mean": [128, 127, 126],
                  "scale": [0.015, 0.016, 0.017], **(input or {})},
        "anchors": {"min_sizes": least[:-1], "max_sizes": least[1:],
                    "aspect_ratios": [[2] if l % 2 else [] for l in range(levels)], **(anchors or {})},
        "output": {"classes": CLASSES, "score": "softmax", **(output or {})},
        "nms": nms or {},
    }, form


def ssd_cases():
    vgg, mobilenet = "vgg16", "mobilenet_v1"
    bright = {"scale": [0.06, 0.07, 0.08]}  # for activations beyond 6
    # 100x76 -> 25x19 -> 13x10, which only a pool that rounds up gives -> 6x5
    yield case("ssd-vgg", vgg, (100, 76), Form(), levels=4,
               anchors={"clip": "cxcywh", "steps": [8, 16, 32, 64], "aspect_ratios": [[2], [2, 3], [2], [3]]},
               input={"channels": "bgr"})
    yield case("ssd-vgg-relu6-extras", vgg, (96, 96), Form(head=1), levels=5, activation="relu6",
               extras={"stride": [1, 2, 2], "pad": [0, 1, 1]}, l2norm_eps=1e-3,
               anchors={"clip": "wh"}, input=bright, output={"score": "sigmoid", "variances": [0.2, 0.1, 0.3, 0.1]})
    yield case("ssd-vgg-conv3", vgg, (64, 64), Form(head=1), sources=["vgg.14", "vgg.21", "vgg.33", "extras.1"],
               anchors={"max_sizes": [None, 30, 40, 50]})
    yield case("ssd-mobilenet", mobilenet, (128, 128), Form(), levels=4,
               anchors={"aspect_ratios": [[2, 3], [2, 3], [2], [2]], "clip": "corner"}, input={"channels": "bgr"})
    yield case("ssd-mobilenet-six", mobilenet, (272, 176), Form(head=1), levels=6,
               anchors={"steps": [16, 32, [60, 64], 100, 150, 300], "clip": "cxcywh"})
    yield case("ssd-mobilenet-same-folded", mobilenet, (96, 64), Form(trunk="bias", head=1), levels=4,
               activation="relu6", padding="same", width=0.25, input=bright, output={"score": "sigmoid"},
               anchors={"max_sizes": [None, 40, None, 70]}, nms={"iou": 0.6, "across": 0.5, "top_k": 100, "keep": 100})
    yield case("ssd-mobilenet-same-odd", mobilenet, (101, 75), Form(), levels=4, activation="relu6", padding="same",
               bn_eps=1e-3, output={"score": "sigmoid", "classes": ["cat", "dog", "???", "bird"]})
    yield case("ssd-mobilenet-fine", mobilenet, (64, 48), Form(), sources=FINE, input={"channels": "bgr"})
    yield case("ssd-mobilenet-extras", mobilenet, (64, 48), Form(), sources=FINE + ["extras.1.2"], bn_eps=1e-2)


def stairnet_cases():
    vgg, mobilenet = "vgg16", "mobilenet_v1"
    # 12, 6, 3, 1: the first step up is the one from 1 to 3
    yield case("stairnet-vgg", vgg, (96, 96), Form(neck=Neck()), levels=4, extras={"stride": [2, 1], "pad": [1, 0]})
    # 14x10, 7x5, 4x3, 2x2, 1x1: steps to odd and even sizes, one odd one way and even the other
    yield case("stairnet-vgg-bias", vgg, (112, 80),
               Form(neck=Neck(lateral="bias", up="full bias", post="3x3 bias"), head=1), levels=5,
               extras={"stride": [2, 2, 2], "pad": [1, 1, 1]}, output={"score": "sigmoid"})
    # 18, 9, 5, 3, 2, 1
    six = {"extras": {"stride": [2] * 4, "pad": [1] * 4}, "l2norm_eps": 1e-12}
    fewer = [None, 50, 70, 90, 110, 130]
    yield case("stairnet-vgg-six", vgg, (144, 144), Form(neck=Neck(channels=8)), levels=6,
               anchors={"max_sizes": fewer}, **six)
    yield case("stairnet-vgg-five-of-six", vgg, (144, 144), Form(neck=Neck(channels=8)), levels=5,
               sources=["vgg.21", "vgg.33", "extras.1", "extras.3", "extras.5", "extras.7"],
               anchors={"max_sizes": fewer[:5]}, **six)
    # 15, 8, 4, 2, 1
    yield case("stairnet-vgg-conv3", vgg, (60, 60), Form(neck=Neck(up="full bn bias", channels=12)),
               sources=["vgg.14", "vgg.21", "vgg.33", "extras.1", "extras.3"],
               extras={"stride": [2, 2], "pad": [1, 1]})
    # The reconstruction behind the paper's MobileNet rows
    yield case("stairnet-mobilenet", mobilenet, (160, 160),
               Form(neck=Neck(lateral="", up="depthwise", post="1x1 bn"), head=1), levels=5)
    yield case("stairnet-mobilenet-separable", mobilenet, (160, 128),
               Form(neck=Neck(up="depthwise bn", post="separable bn")), levels=4, bn_eps=1e-3)
    yield case("stairnet-mobilenet-separable-folded", mobilenet, (128, 96),
               Form(trunk="bias", neck=Neck(lateral="bias", up="depthwise bias", post="separable bias", channels=24),
                    head=1), levels=4, padding="same", activation="relu6")
    yield case("stairnet-nearest-sum-relu", mobilenet, (160, 96), Form(neck=Neck(post=""), head=1), levels=5,
               upsample="nearest", sum_relu=True)
    yield case("stairnet-bilinear-sum", mobilenet, (160, 96), Form(neck=Neck(lateral="bias", post="")), levels=5,
               upsample="bilinear", sum_relu=False)
    yield case("stairnet-deconv-sum", mobilenet, (96, 64), Form(neck=Neck(post="", up="full")), sources=FINE,
               output={"score": "sigmoid"})
    yield case("stairnet-nearest-post", mobilenet, (96, 64), Form(neck=Neck(lateral="bn bias", post="3x3 bn")),
               sources=FINE, upsample="nearest")
    yield case("stairnet-bilinear-post", mobilenet, (96, 64), Form(neck=Neck(channels=10, post="1x1 bias"), head=1),
               sources=FINE, upsample="bilinear")
    yield case("stairnet-four-of-five", mobilenet, (72, 48), Form(neck=Neck(post="1x1 bn")), levels=4,
               sources=["base_net.3.3"] + FINE, anchors={"aspect_ratios": [[], [2], [2], [2, 3]]})


def distribution_cases():
    mobilenet = "mobilenet_v1"
    # One square anchor a cell, five cells wide: a unit is a cell, as in the detectors that have no anchors.
    cells = {"min_sizes": [40, 80, 120, 160], "max_sizes": [None] * 4, "aspect_ratios": [[]] * 4}
    yield case("distribution", mobilenet, (64, 48), Form(neck=Neck(post="1x1 bn"), head=1), {"kind": "cbam"},
               sources=FINE, anchors=cells, output={"score": "sigmoid", "boxes": "distribution"})
    # Bins that begin inside a group of four, several boxes a cell, units that are not square
    yield case("distribution-odd", mobilenet, (64, 48), Form(), sources=FINE,
               output={"boxes": "distribution", "bins": 5, "variances": [0.1, 0.1, 0.15, 0.3]})
    yield case("distribution-two", mobilenet, (64, 48), Form(head=1), sources=FINE[:3],
               output={"score": "sigmoid", "classes": ["cat", "dog", "???"], "boxes": "distribution", "bins": 2})
    yield case("distribution-32", mobilenet, (64, 48), Form(head=1), sources=FINE, anchors={"max_sizes": [None] * 4},
               output={"boxes": "distribution", "bins": 32, "variances": [0.1, 0.1, 0.05, 0.05]})


def attention_cases():
    vgg, mobilenet = "vgg16", "mobilenet_v1"

    def stairnet(name, gate, attention, post="1x1 bn", size=(64, 48), channels=16, **more):
        neck = Neck(channels, lateral="", up="depthwise", post=post)
        return case(name, mobilenet, size, Form(neck=neck, gate=gate, head=1), attention, sources=FINE, **more)

    # Where no ReLU follows the sum features are negative too, and ten channels do not fill groups of four: zeros that
    # pad a map must not be taken for values.
    odd = {"channels": 10, "post": ""}

    se, eca, bam, self = {"kind": "se"}, {"kind": "eca"}, {"kind": "bam"}, {"kind": "self"}

    def cbam(**more):
        return {"kind": "cbam", **more}

    yield stairnet("se", Gate(), se)
    yield stairnet("se-bare", Gate(mlp="", reduction=2), se, **odd)
    yield stairnet("se-conv", Gate(mlp="conv bias"), se, output={"score": "sigmoid"})
    yield stairnet("eca-3", Gate(kernel=3), eca)
    yield stairnet("eca-5", Gate(kernel=5), eca, **odd)
    yield stairnet("eca-post", Gate(kernel=7), eca, post="3x3 bn")

    yield stairnet("cbam", Gate(), cbam())
    yield stairnet("cbam-3x3-post", Gate(reduction=16), cbam(pool=["max", "avg"]), post="3x3 bn", size=(64, 64))
    # As in a much read article: order of the maps, no batch norm, 1x1 convolutions without biases
    yield stairnet("cbam-article", Gate(mlp="conv", spatial=""), cbam(spatial_input="mean-max"), **odd)
    yield stairnet("cbam-avg", Gate(mlp="", kernel=3), cbam(pool=["avg"]))
    yield stairnet("cbam-max", Gate(spatial="bias"), cbam(pool=["max"], order="spatial-channel"), **odd)
    yield stairnet("cbam-lp", Gate(kernel=3), cbam(pool=["lp"], order="parallel"))
    yield stairnet("cbam-lse", Gate(mlp="conv bias", spatial="bn bias"), cbam(pool=["lse"], spatial_relu=True), **odd)
    yield stairnet("cbam-four-pools", Gate(kernel=5), cbam(pool=["avg", "max", "lp", "lse"]), post="separable bn")
    yield stairnet("cbam-conv", Gate(), cbam(spatial_input="conv"))
    yield stairnet("cbam-odd", Gate(reduction=3), cbam(pool=["max", "avg", "lp", "lse"], order="parallel"), **odd)
    yield stairnet("cbam-conv-3", Gate(kernel=3, spatial="bias"),
                   cbam(spatial_input="conv", order="spatial-channel", spatial_relu=True))
    yield stairnet("cbam-parallel-conv", Gate(spatial=""), cbam(spatial_input="conv", order="parallel"))
    yield stairnet("cbam-channel", Gate(), cbam(spatial=False))
    yield stairnet("cbam-spatial", Gate(), cbam(channel=False, spatial_input="mean-max"), output={"score": "sigmoid"})
    yield stairnet("cbam-sum-relu", Gate(), cbam(), post="", sum_relu=True)
    # 18x10, 9x5, 5x3, 3x1: the first step up has stride 1 down and stride 2 across
    yield case("cbam-vgg", vgg, (144, 80), Form(neck=Neck(), gate=Gate(reduction=16), head=1), cbam(), levels=4,
               extras={"stride": [2, 1], "pad": [1, 0]})
    yield stairnet("cbam-three-of-four", Gate(reduction=2), cbam(), levels=3)
    yield case("cbam-ssd-vgg", vgg, (72, 72), Form(gate=Gate(reduction=16)), cbam(), levels=3)
    yield case("cbam-ssd-mobilenet", mobilenet, (96, 96), Form(head=1), cbam(order="spatial-channel"), levels=4)

    yield stairnet("bam", Gate(), bam)
    yield stairnet("bam-add", Gate(reduction=2), {**bam, "combine": "add", "dilation": 2}, **odd)
    yield stairnet("bam-closing", Gate(closing=True), {**bam, "dilation": 1})
    yield stairnet("bam-add-closing", Gate(closing=True), {**bam, "combine": "add"})
    yield case("bam-ssd-mobilenet", mobilenet, (96, 96), Form(), {**bam, "dilation": 3}, levels=3)

    # Queries of two channels that choose, of one without biases, of five and ten
    yield stairnet("self", Gate(8), self, input={"scale": [0.06, 0.07, 0.08]})
    yield stairnet("self-odd", Gate(8, mlp=""), self, **odd)
    yield case("self-ssd-mobilenet", mobilenet, (160, 96), Form(head=1, gate=Gate(12)), self, levels=4)

    # Made-up gates let half through, a quarter where there are two: the first blocks still show what the picture was.
    wide = {"scale": [0.15, 0.16, 0.17]}
    yield case("cbam-blocks", mobilenet, (48, 32), Form(), cbam(place="blocks"), sources=EARLY, input=wide)
    yield case("se-both", mobilenet, (48, 32), Form(trunk="bias", neck=Neck(), head=1), {**se, "place": "both"},
               sources=EARLY, activation="relu6", padding="same", input=wide)
    yield case("eca-blocks", mobilenet, (48, 32), Form(gate=Gate(kernel=3), head=1), {**eca, "place": "blocks"},
               sources=EARLY, input=wide)
    # 160x128 pixels in the first blocks, read four times by a gate: loops of more turns than lavapipe gives a shader
    # (65535, all of an invocation's together)
    yield case("cbam-blocks-large", mobilenet, (320, 256), Form(head=1, gate=Gate(reduction=1)),
               cbam(place="blocks", pool=["avg", "max", "lse"], spatial=False), sources=EARLY[2:], input=wide,
               anchors={"max_sizes": [None] * 2})
    # BAM's let everything through, and more.
    yield case("bam-blocks", mobilenet, (48, 32), Form(), {**bam, "place": "blocks", "dilation": 2}, sources=EARLY[:3],
               input={"scale": [0.001] * 3})


def shufflenet_cases():
    shufflenet, leaky = "shufflenet_v2", {"activation": "leaky_relu", "post_activation": "leaky_relu"}
    # Made-up weights let maps grow from unit to unit: either batch norms dampen them, or what goes in is small.
    damp, small = {"bn_eps": 0.3}, {"scale": [0.0005] * 3}
    # Halves of 58 channels, which are no whole texels
    yield case("ssd-shufflenet", shufflenet, (96, 64), Form(head=1, extras=Extras(24, 3)), width=1, levels=4, **damp)
    yield case("ssd-shufflenet-odd", shufflenet, (75, 101), Form(head=1, extras=Extras(20, 5, reduced=0)), width=0.5,
               sources=["stage2.3", "stage4.3", "extras.1.4"], activation="relu6", input={"scale": [0.06, 0.07, 0.08]},
               **damp)
    yield case("stairnet-shufflenet", shufflenet, (96, 128),
               Form(neck=Neck(24, "bn", "depthwise bn", "separable bn", posts=3), head=1, extras=Extras(24)), width=0.5,
               levels=4, slope=0.3, **leaky, **damp)
    yield case("cbam-shufflenet", shufflenet, (96, 96),
               Form("bias", 1, Neck(32, "bias", "depthwise bias", "separable 5x5 bias", posts=2),
                    Gate(reduction=16, spatial="bias"), extras=Extras(32)), {"kind": "cbam"}, width=1.5, levels=4,
               output={"score": "sigmoid"}, input={"channels": "bgr", **small}, **leaky)


def resnet_cases():
    resnet, neck = "resnet", Neck(16, "bn", "depthwise bn", "1x1 bn")
    # Every sum adds to what there is; with these batch norms shrink what they are given.
    less, least = {"bn_eps": 0.5}, {"bn_eps": 1}
    yield case("ssd-resnet18", resnet, (96, 64), Form(head=1), depth=18, levels=4, input={"scale": [0.002] * 3})
    yield case("ssd-resnet50", resnet, (48, 35), Form(head=1), strides=[1, 2], stride_place="1x1",
               sources=["layer1.1", "layer2.2", "extras.0.3"])
    # ResNeXt, of four groups that grow from 8 channels
    yield case("ssd-resnext50", resnet, (48, 48), Form(head=1), groups=4, width=0.5, strides=[1, 2, 2],
               sources=["layer1", "layer2.1", "layer3"], bn_eps=0.2)
    # Three stages, the last one not strided, as in NVIDIA's SSD300; the stride in the 3x3
    yield case("cbam-ssd-resnet50-blocks", resnet, (48, 48), Form(gate=Gate(64)), {"kind": "cbam", "place": "blocks"},
               depth=50, strides=[1, 2, 1], sources=["layer3", "extras.0.3", "extras.1.3"],
               extras={"stride": [2, 1], "pad": [1, 0]}, bn_eps=0.1)
    yield case("cbam-resnet50-blocks", resnet, (64, 64), Form(neck=neck, gate=Gate(64), head=1),
               {"kind": "cbam", "place": "blocks"}, levels=4, input={"channels": "bgr"}, **less)
    yield case("se-resnet18-both", resnet, (64, 48), Form("bias", 1, Neck(16, "bias", "depthwise bias", "1x1 bias"),
                                                          Gate()),
               {"kind": "se", "place": "both"}, depth=18, width=0.25, levels=3, activation="relu6",
               output={"score": "sigmoid"}, input={"scale": [0.002] * 3})
    yield case("eca-resnet34-blocks", resnet, (48, 48), Form(gate=Gate(kernel=3), head=1),
               {"kind": "eca", "place": "blocks"}, depth=34, sources=["layer1.1", "layer2.0", "layer3", "layer4.2"],
               activation="leaky_relu", **least)
    yield case("bam-resnet18-stages", resnet, (64, 48), Form(head=1), {"kind": "bam", "place": "stages"}, depth=18,
               sources=["layer2", "layer3", "layer4"], input={"scale": [0.002] * 3}, **least)


def mobilenet_v2_cases():
    mobilenet, relu6, damp = "mobilenet_v2", {"activation": "relu6"}, {"bn_eps": 0.3}
    yield case("ssd-mobilenet-v2", mobilenet, (160, 96), Form(head=1), width=0.2, levels=4,
               extras={"stride": [1, 2], "pad": [1, 0]}, **relu6, **damp)
    # Folded, TensorFlow's padding
    yield case("ssd-mobilenet-v2-same", mobilenet, (101, 75), Form(trunk="bias", head=1), width=0.2, padding="same",
               sources=["features.14.conv.0.0", "features.18.0", "extras.0.conv.2"],
               input={"scale": [0.002] * 3}, **relu6)
    # SSDLite's heads, but on the last level; the third extra could be added to what comes in, and is not
    yield case("ssdlite-mobilenet-v2", mobilenet, (160, 96), Form(heads="separable bn bias", head=1, whole=(5,)),
               width=0.2, levels=6, extras={"stride": [1, 2, 1, 1], "pad": [1, 1, 1, 1]}, **relu6, **damp)
    # CBAM before the sums, and what StairNet sees are blocks' ends, to which no activation is given
    yield case("cbam-mobilenet-v2-blocks", mobilenet, (48, 32),
               Form(neck=Neck(24, "bn", "depthwise bn", "separable bn"), head=1), {"kind": "cbam", "place": "blocks"},
               sources=["features.3", "features.6", "features.13", "features.17"], **damp)


def efficientnet_cases():
    # Rows of 5x5, TensorFlow's padding of odd and even maps; sources that are widened maps, blocks' ends, extras
    yield case("ssd-efficientnet-lite0", "efficientnet_lite0", (101, 75), Form(head=1), width=0.2, padding="same",
               levels=4, activation="relu6", bn_eps=0.3)
    yield case("cbam-efficientnet-lite1-blocks", "efficientnet_lite1", (64, 48),
               Form(neck=Neck(24, "bn", "depthwise bn", "separable bn"), head=1), {"kind": "cbam", "place": "blocks"},
               width=0.2, sources=["_blocks.3", "_blocks.6", "_blocks.14", "_blocks.20"], bn_eps=0.3)


def mobilenet_v3_cases():
    mobilenet, relu6 = "mobilenet_v3", {"activation": "relu6"}
    # torchvision's SSDLite: the last blocks half as wide, separable heads, extras with activations of their own
    yield case("ssdlite-mobilenet-v3", mobilenet, (160, 96), Form(heads="separable bn", head=1, tail=0.5), width=0.2,
               levels=5, extras={"stride": [2, 1, 2], "pad": [1, 1, 1]}, bn_eps=0.3, **relu6)
    yield case("cbam-mobilenet-v3-blocks", mobilenet, (75, 52),
               Form("bias", 1, Neck(16, "bias", "depthwise bias", "separable bias")),
               {"kind": "cbam", "place": "blocks"}, width=0.2, padding="same", sources=["features.3", "features.6", "features.12", "features.15"])


def ghostnet_cases():
    # Extras; sums of odd maps with TensorFlow's padding; attention in the blocks
    yield case("ssd-ghostnet", "ghostnet", (101, 75), Form(head=1), width=0.3, levels=4, bn_eps=1)
    yield case("cbam-ghostnet-blocks", "ghostnet", (75, 64),
               Form(neck=Neck(24, "bn", "depthwise bn", "separable bn"), head=1),
               {"kind": "cbam", "place": "blocks"}, width=0.2, padding="same", bn_eps=1,
               sources=["blocks.4.0", "blocks.6.4", "blocks.8.3"])


def classifier(name, backbone, size, form, attention=None, input=None, output=None, **network):
    network = {"backbone": backbone, **network}
    if attention:
        network["attention"] = attention
    return name, {
        "version": 1,
        "task": "classify",
        "name": name,
        "network": network,
        "input": {"width": size[0], "height": size[1], "channels": "rgb", "mean": [128, 127, 126],
                  "scale": [0.015, 0.016, 0.017], **(input or {})},
        "output": {"classes": [f"class {k}" for k in range(11)], "score": "softmax", **(output or {})},
    }, form


def classifier_cases():
    resnet, mobilenet, small, less = "resnet", "mobilenet_v1", {"scale": [0.002] * 3}, {"bn_eps": 1}
    cbam = {"kind": "cbam"}
    yield classifier("classify-resnet18", resnet, (64, 48), Form(), depth=18, width=0.25, input=small, **less)
    yield classifier("classify-resnet18-cbam", resnet, (64, 64), Form(), cbam, depth=18, width=0.25, input=small,
                     **less)
    # A part of the classes, each for itself, gaps in the list; the stride where the paper's figures have it
    yield classifier("classify-resnet50-se", resnet, (48, 64), Form(gate=Gate(64)), {"kind": "se"}, width=0.25,
                     stride_place="1x1", input={"channels": "bgr", **small},
                     output={"score": "sigmoid", "top_k": 3, "classes": ["background", "???"] + list("abcdef")}, **less)
    yield classifier("classify-resnext50-cam", resnet, (48, 48), Form(gate=Gate(64)), {**cbam, "spatial": False},
                     groups=4, width=0.25, strides=[1, 2, 2, 1], input=small, **less)
    yield classifier("classify-resnet18-bam", resnet, (96, 64), Form(), {"kind": "bam", "place": "stages"}, depth=18,
                     width=0.25, input=small, **less)
    # 27 places, on maps of five sizes
    yield classifier("classify-mobilenet-cbam", mobilenet, (96, 64), Form(gate=Gate(4)), cbam, width=0.25,
                     input={"scale": [0.15, 0.16, 0.17]})
    # Between stages, and in blocks
    yield classifier("classify-resnet18-self", resnet, (96, 64), Form(gate=Gate(8)), {"kind": "self", "place": "stages"},
                     depth=18, width=0.25, input=small, **less)
    yield classifier("classify-mobilenet-v2-self", "mobilenet_v2", (64, 64), Form(gate=Gate(8)), {"kind": "self"},
                     width=0.2, activation="relu6", bn_eps=1)
    yield classifier("classify-mobilenet-same", mobilenet, (75, 101), Form("bias"), width=0.25, padding="same",
                     activation="relu6", output={"top_k": 0})
    yield classifier("classify-mobilenet-v2-eca", "mobilenet_v2", (64, 64), Form(gate=Gate(kernel=3)),
                     {"kind": "eca"}, width=0.2, activation="relu6", bn_eps=0.3)
    yield classifier("classify-efficientnet-lite2", "efficientnet_lite2", (75, 64), Form("bias"), width=0.2,
                     padding="same", activation="relu6")
    yield classifier("classify-mobilenet-v3-cbam", "mobilenet_v3", (64, 48), Form(), cbam, width=0.2, bn_eps=0.3)
    # SE beside the blocks' own
    yield classifier("classify-ghostnet-se", "ghostnet", (64, 48), Form(), {"kind": "se"}, width=0.3, bn_eps=1)
    yield classifier("classify-shufflenet", "shufflenet_v2", (64, 64), Form(), width=0.5, bn_eps=0.3)


def all_cases():
    return [*ssd_cases(), *stairnet_cases(), *distribution_cases(), *attention_cases(), *shufflenet_cases(),
            *mobilenet_v2_cases(), *mobilenet_v3_cases(), *efficientnet_cases(), *ghostnet_cases(), *resnet_cases(),
            *classifier_cases()]
