"""The detectors whose checkpoints tools/convert reads, written down once more as PyTorch modules with their own names.

They are the converter's and the engine's witness and share nothing with either: layers, anchors, decoding and
suppression come from the papers and the named projects. Weights are seeded noise, spread so that what passes through
keeps its size and the scores are neither all alike nor all 0 or 1.

    model = BUILDERS["lufficc"]()
    boxes, scores = settle(model, pixels)    # gives the weights, and says what the network then sees in the picture
    found, doubtful = select(model, boxes, scores, threshold)

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

VOC_SIZES = (30, 60, 111, 162, 213, 264, 315)
COCO_SIZES = (21, 45, 99, 153, 207, 261, 315)
SIZES_512 = (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6)
COCO_SIZES_512 = (20.48, 51.2, 133.12, 215.04, 296.96, 378.88, 460.8, 542.72)


class Rules:
    """What a project does around its network. Sizes are a level's smallest box; the next one's is its largest."""

    def __init__(self, size=300, channels="rgb", mean=(123, 117, 104), divisor=1, maps=(38, 19, 10, 5, 3, 1),
                 steps=(8, 16, 32, 64, 100, 300), sizes=VOC_SIZES, boxes=(4, 6, 6, 6, 4, 4), clip="all",
                 top_k=0, keep=0, clips_boxes=False, edge=0, eps=0):
        self.size, self.channels, self.mean, self.divisor = size, channels, mean, divisor
        self.maps, self.steps, self.sizes, self.boxes, self.clip = maps, steps, sizes, boxes, clip
        self.top_k, self.keep = top_k, keep  # candidates per class, boxes per picture; 0 is all
        self.clips_boxes, self.edge, self.eps = clips_boxes, edge, eps  # how two boxes are compared


# ---- Parts ----------------------------------------------------------------------------------------------------------


class L2Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((512,), 20.0))

    def forward(self, x):
        return x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) * self.weight.view(1, -1, 1, 1)


class Named(nn.Module):
    """A module that is nothing but the names of its members."""

    def __init__(self, **members):
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


def conv_relu(inputs, outputs, kernel, **options):
    return [nn.Conv2d(inputs, outputs, kernel, **options), nn.ReLU()]


def vgg16():
    """The 35 members of ssd.pytorch's list: convolutions, ReLUs and pools up to fc7."""
    members, inputs = [], 3
    for index, (outputs, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        for _ in range(count):
            members += conv_relu(inputs, outputs, 3, padding=1)
            inputs = outputs
        # The third pool rounds up (75 -> 38), the fifth keeps the map.
        members.append(nn.MaxPool2d(3, 1, 1) if index == 4 else nn.MaxPool2d(2, 2, ceil_mode=index == 2))
    return members + conv_relu(512, 1024, 3, padding=6, dilation=6) + conv_relu(1024, 1024, 1)


def vgg_extras(size):
    convs = [nn.Conv2d(1024, 256, 1), nn.Conv2d(256, 512, 3, 2, 1)]
    convs += [nn.Conv2d(512, 128, 1), nn.Conv2d(128, 256, 3, 2, 1)]
    last = {"stride": 2, "padding": 1} if size == 512 else {}
    for _ in range(2):
        convs += [nn.Conv2d(256, 128, 1), nn.Conv2d(128, 256, 3, **last)]
    if size == 512:
        convs += [nn.Conv2d(256, 128, 1), nn.Conv2d(128, 256, 4, padding=1)]
    return convs


def vgg_maps(members, norm, extras, x):
    maps = []
    for index, member in enumerate(members):
        x = member(x)
        if index == 22:  # conv4_3's ReLU: the heads see it normalised, the network goes on with what it was
            maps.append(norm(x))
    maps.append(x)
    for index, extra in enumerate(extras):
        x = F.relu(extra(x))
        if index % 2 == 1:
            maps.append(x)
    return maps


def heads(depths, boxes, rows, kernel=3):
    return nn.ModuleList(nn.Conv2d(depth, each * rows, kernel, padding=kernel // 2)
                         for depth, each in zip(depths, boxes))


VGG_DEPTHS = {300: (512, 1024, 512, 256, 256, 256), 512: (512, 1024, 512, 256, 256, 256, 256)}
MAPS_512 = {"size": 512, "maps": (64, 32, 16, 8, 4, 2, 1), "steps": (8, 16, 32, 64, 128, 256, 512)}


# ---- Attention ------------------------------------------------------------------------------------------------------
#
# On a level's map, with the names that its authors gave (CBAM, BAM: Jongchan/attention-module).


def mlp(depth, hidden):
    return [nn.Linear(depth, hidden), nn.ReLU(), nn.Linear(hidden, depth)]


class Se(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.fc = nn.Sequential(*mlp(depth, depth // 16))

    def forward(self, x):
        return x * torch.sigmoid(self.fc(x.mean((2, 3))))[:, :, None, None]


class Eca(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 5, padding=2, bias=False)

    def forward(self, x):
        return x * torch.sigmoid(self.conv(x.mean((2, 3))[:, None]))[0, 0, :, None, None]


class ChannelGate(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), *mlp(depth, depth // 16))

    def forward(self, x):
        gate = self.mlp(F.adaptive_avg_pool2d(x, 1)) + self.mlp(F.adaptive_max_pool2d(x, 1))
        return x * torch.sigmoid(gate)[:, :, None, None]


class SpatialGate(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = Named(conv=nn.Conv2d(2, 1, 7, padding=3, bias=False), bn=nn.BatchNorm2d(1))

    def forward(self, x):
        pooled = torch.cat([x.max(1, keepdim=True)[0], x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.spatial.bn(self.spatial.conv(pooled)))


class Cbam(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.ChannelGate, self.SpatialGate = ChannelGate(depth), SpatialGate()

    def forward(self, x):
        return self.SpatialGate(self.ChannelGate(x))


class Bam(nn.Module):
    def __init__(self, depth):
        super().__init__()
        hidden = depth // 16
        gate_c, gate_s = nn.Sequential(nn.Flatten()), nn.Sequential()
        gate_c.add_module("gate_c_fc_0", nn.Linear(depth, hidden))
        gate_c.add_module("gate_c_bn_1", nn.BatchNorm1d(hidden))
        gate_c.add_module("gate_c_relu_1", nn.ReLU())
        gate_c.add_module("gate_c_fc_final", nn.Linear(hidden, depth))
        for name, inputs, options in (("reduce0", depth, {"kernel_size": 1}),
                                      ("di_0", hidden, {"kernel_size": 3, "padding": 4, "dilation": 4}),
                                      ("di_1", hidden, {"kernel_size": 3, "padding": 4, "dilation": 4})):
            gate_s.add_module(f"gate_s_conv_{name}", nn.Conv2d(inputs, hidden, **options))
            gate_s.add_module(f"gate_s_bn_{name}", nn.BatchNorm2d(hidden))
            gate_s.add_module(f"gate_s_relu_{name}", nn.ReLU())
        gate_s.add_module("gate_s_conv_final", nn.Conv2d(hidden, 1, 1))
        self.channel_att, self.spatial_att = Named(gate_c=gate_c), Named(gate_s=gate_s)

    def forward(self, x):
        channel = self.channel_att.gate_c(F.adaptive_avg_pool2d(x, 1))[:, :, None, None]
        return x * (1 + torch.sigmoid(channel * self.spatial_att.gate_s(x)))


def attend(model, maps):
    return [attention(x) for attention, x in zip(model.att, maps)] if hasattr(model, "att") else maps


# ---- VGG16 ----------------------------------------------------------------------------------------------------------


class SsdPytorch(nn.Module):
    """amdegroot/ssd.pytorch; SSD512 in its forks."""

    TRUNK = "vgg"

    def __init__(self, rules, classes=21):
        super().__init__()
        self.rules, self.classes = rules, classes
        depths = VGG_DEPTHS[rules.size]
        setattr(self, self.TRUNK, nn.ModuleList(vgg16()))
        self.L2Norm = L2Norm()
        self.extras = nn.ModuleList(vgg_extras(rules.size))
        self.loc, self.conf = heads(depths, rules.boxes, 4), heads(depths, rules.boxes, classes)

    def look(self, x):
        return vgg_maps(getattr(self, self.TRUNK), self.L2Norm, self.extras, x)

    def both_heads(self):
        return self.loc, self.conf


class Rfbnet(SsdPytorch):
    """lzx1413/PytorchSSD's plain SSD."""

    TRUNK = "base"


class Lufficc(nn.Module):
    """lufficc/SSD."""

    def __init__(self, rules, classes=21):
        super().__init__()
        self.rules, self.classes = rules, classes
        depths = VGG_DEPTHS[rules.size]
        self.backbone = Named(vgg=nn.ModuleList(vgg16()), extras=nn.ModuleList(vgg_extras(rules.size)),
                              l2_norm=L2Norm())
        self.box_head = Named(predictor=Named(cls_headers=heads(depths, rules.boxes, classes),
                                              reg_headers=heads(depths, rules.boxes, 4)))

    def look(self, x):
        return vgg_maps(self.backbone.vgg, self.backbone.l2_norm, self.backbone.extras, x)

    def both_heads(self):
        return self.box_head.predictor.reg_headers, self.box_head.predictor.cls_headers


class TorchvisionBackbone(nn.Module):
    def __init__(self):
        super().__init__()
        members, extras = vgg16(), vgg_extras(300)
        self.scale_weight = nn.Parameter(torch.full((512,), 20.0))
        self.features = nn.Sequential(*members[:23])
        conv5, fully_connected = members[23:30], members[30:]
        blocks = [nn.Sequential(*conv5, nn.Sequential(*fully_connected))]
        for first, second in zip(extras[::2], extras[1::2]):
            blocks.append(nn.Sequential(first, nn.ReLU(), second, nn.ReLU()))
        self.extra = nn.ModuleList(blocks)

    def forward(self, x):
        x = self.features(x)
        maps = [F.normalize(x) * self.scale_weight.view(1, -1, 1, 1)]
        for block in self.extra:
            x = block(x)
            maps.append(x)
        return maps


class Torchvision(nn.Module):
    """torchvision.models.detection.ssd300_vgg16."""

    def __init__(self, rules, classes=91):
        super().__init__()
        self.rules, self.classes = rules, classes
        self.backbone = TorchvisionBackbone()
        self.head = Named(classification_head=Named(module_list=heads(VGG_DEPTHS[300], rules.boxes, classes)),
                          regression_head=Named(module_list=heads(VGG_DEPTHS[300], rules.boxes, 4)))

    def look(self, x):
        return self.backbone(x)

    def both_heads(self):
        return self.head.regression_head.module_list, self.head.classification_head.module_list


# ---- MobileNetV1 ----------------------------------------------------------------------------------------------------


def mobilenet_v1(width):
    """The trunk's 14 members and the depths of its last two maps that have heads."""
    def norm_relu(depth):
        return [nn.BatchNorm2d(depth), nn.ReLU()]

    def scaled(depth):
        return int(depth * width)

    inputs = scaled(32)
    members = [nn.Sequential(nn.Conv2d(3, inputs, 3, 2, 1, bias=False), *norm_relu(inputs))]
    for depth, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1),
                          (512, 1), (512, 1), (1024, 2), (1024, 1)):
        outputs = scaled(depth)
        members.append(nn.Sequential(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
                                     *norm_relu(inputs),
                                     nn.Conv2d(inputs, outputs, 1, bias=False), *norm_relu(outputs)))
        inputs = outputs
    return members, (scaled(512), scaled(1024))


def trunk_maps(members, x):
    """The maps of conv11 and conv13."""
    maps = []
    for index, member in enumerate(members):
        x = member(x)
        if index in (11, 13):
            maps.append(x)
    return maps


class BasicConv(nn.Module):
    """RFBNet's block, and StairNet's."""

    def __init__(self, inputs, outputs, kernel, stride=1, padding=0, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, x):
        x = self.bn(self.conv(x))
        return F.relu(x) if self.relu else x


class RfbnetMobile(nn.Module):
    """ruinmessi/RFBNet's MobileNet with plain extras for its receptive-field blocks."""

    def __init__(self, rules, classes=21, width=0.25, attention=None):
        super().__init__()
        self.rules, self.classes = rules, classes
        members, depths = mobilenet_v1(width)
        self.base = nn.ModuleList(members)
        pairs = ((64, 128), (32, 64), (32, 64), (16, 32))
        self.extras, inputs = nn.ModuleList(), depths[1]
        for narrow, outputs in pairs:
            self.extras += [BasicConv(inputs, narrow, 1), BasicConv(narrow, outputs, 3, 2, 1)]
            inputs = outputs
        depths += tuple(outputs for _, outputs in pairs)
        self.loc, self.conf = heads(depths, rules.boxes, 4, 1), heads(depths, rules.boxes, classes, 1)
        if attention:
            self.att = nn.ModuleList(attention(depth) for depth in depths)

    def look(self, x):
        maps = trunk_maps(self.base, x)
        x = maps[-1]
        for index, extra in enumerate(self.extras):
            x = extra(x)
            if index % 2 == 1:
                maps.append(x)
        return attend(self, maps)

    def both_heads(self):
        return self.loc, self.conf


class Qfgaohao(nn.Module):
    """qfgaohao/pytorch-ssd, mb1-ssd."""

    def __init__(self, rules, classes=21, width=0.25):
        super().__init__()
        self.rules, self.classes = rules, classes
        members, depths = mobilenet_v1(width)
        self.base_net = nn.Sequential(*members)
        pairs = ((64, 128), (32, 64), (32, 64), (32, 64))
        self.extras, inputs = nn.ModuleList(), depths[1]
        for narrow, outputs in pairs:
            self.extras.append(nn.Sequential(*conv_relu(inputs, narrow, 1),
                                             *conv_relu(narrow, outputs, 3, stride=2, padding=1)))
            inputs = outputs
        depths += tuple(outputs for _, outputs in pairs)
        self.classification_headers = heads(depths, rules.boxes, classes)
        self.regression_headers = heads(depths, rules.boxes, 4)

    def look(self, x):
        maps = trunk_maps(self.base_net, x)
        x = maps[-1]
        for extra in self.extras:
            x = extra(x)
            maps.append(x)
        return maps

    def both_heads(self):
        return self.regression_headers, self.classification_headers


def inverted_residual(inputs, inner, outputs, stride, widens=True):
    layers = [nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6()] if widens else []
    narrow = nn.Conv2d(inner, outputs, 1, bias=False)
    narrow.gain = 0.5  # no activation takes half of it away, and rounding errors would grow from sum to sum
    return Named(conv=nn.Sequential(
        *layers, nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(),
        narrow, nn.BatchNorm2d(outputs)))


def conv_bn6(inputs, outputs, kernel, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs),
                         nn.ReLU6())


class QfgaohaoLite(nn.Module):
    """qfgaohao/pytorch-ssd, mb2-ssd-lite, of a quarter of the width."""

    # Blocks: what they are widened to, what comes out, stride. Sums where neither stride nor channels change.
    STEM, LAST = 8, 1280
    BLOCKS = ((8, 8, 1), (48, 8, 2), (48, 8, 1), (48, 8, 2), (48, 8, 1), (48, 8, 1), (48, 16, 2), (96, 16, 1), (96, 16, 1),
              (96, 16, 1), (96, 24, 1), (144, 24, 1), (144, 24, 1), (144, 40, 2), (240, 40, 1), (240, 40, 1),
              (240, 80, 1))
    EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 64))

    def __init__(self, rules, classes=21):
        super().__init__()
        self.rules, self.classes = rules, classes
        layers, inputs = [conv_bn6(3, self.STEM, 3, 2)], self.STEM
        for number, (inner, outputs, stride) in enumerate(self.BLOCKS):
            layers.append(inverted_residual(inputs, inner, outputs, stride, number > 0))
            inputs = outputs
        self.base_net = nn.Sequential(*layers, conv_bn6(inputs, self.LAST, 1))
        depths, self.extras = [144, self.LAST], nn.ModuleList()
        for inner, outputs in self.EXTRAS:
            self.extras.append(inverted_residual(depths[-1], inner, outputs, 2))
            depths.append(outputs)
        self.classification_headers, self.regression_headers = (
            nn.ModuleList(self.head(depth, each * rows, level == 5)
                          for level, (depth, each) in enumerate(zip(depths, rules.boxes)))
            for rows in (classes, 4))

    @staticmethod
    def head(depth, rows, is_last):
        if is_last:
            return nn.Conv2d(depth, rows, 1)
        return nn.Sequential(nn.Conv2d(depth, depth, 3, padding=1, groups=depth), nn.BatchNorm2d(depth), nn.ReLU6(),
                             nn.Conv2d(depth, rows, 1))

    def look(self, x):
        maps, x = [], self.base_net[0](x)
        for number, block in enumerate(self.base_net[1:-1], 1):
            if number == 14:
                maps.append(block.conv[:3](x))
            y = block.conv(x)
            x = x + y if x.shape == y.shape else y
        maps.append(self.base_net[-1](x))
        for extra in self.extras:
            maps.append(extra.conv(maps[-1]))
        return maps

    def both_heads(self):
        return self.regression_headers, self.classification_headers


# ---- StairNet -------------------------------------------------------------------------------------------------------


class StepUp(nn.Module):
    """From a coarse map to the next finer one. The 1x1 map becomes 3x3 without a stride."""

    def __init__(self, width, coarse, fine):
        super().__init__()
        if coarse == 1:
            self.upsample = nn.ConvTranspose2d(width, width, 3, bias=False)
        else:
            self.upsample = nn.ConvTranspose2d(width, width, 3, 2, 1, output_padding=1 - fine % 2, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.bn(self.upsample(x))


class StairNet(nn.Module):
    """SoonminHwang/ssd.pytorch, models/stairnet.py: lists under topdown run from the coarsest map to the finest. With
    five levels the coarsest map only starts the stairs, and the last of its six convolutions and heads is dead."""

    MAPS = (38, 19, 10, 5, 3, 1)

    def __init__(self, rules, classes=21, width=256, levels=6, attention=None):
        super().__init__()
        self.rules, self.classes, self.levels = rules, classes, levels
        coarse_first = self.MAPS[::-1]
        self.vgg = nn.ModuleList(vgg16())
        self.L2Norm = L2Norm()
        self.extras = nn.ModuleList(vgg_extras(300))
        self.topdown = Named(
            proj_layers=nn.ModuleList(BasicConv(depth, width, 1, relu=False) for depth in VGG_DEPTHS[300][::-1]),
            topdown_layers=nn.ModuleList(StepUp(width, *pair) for pair in zip(coarse_first, coarse_first[1:])),
            extra_layers=nn.ModuleList(BasicConv(width, width, 3, 1, 1) for _ in self.MAPS))
        depths, boxes = [width] * 6, (6, 6, 6, 6, 4, 4)
        self.loc, self.conf = heads(depths, boxes, 4), heads(depths, boxes, classes)
        if attention:
            self.att = nn.ModuleList(attention(width) for _ in range(levels))

    def look(self, x):
        topdown, stairs, top = self.topdown, [], None
        for j, source in enumerate(reversed(vgg_maps(self.vgg, self.L2Norm, self.extras, x))):
            lateral = topdown.proj_layers[j](source)
            top = lateral if top is None else topdown.topdown_layers[j - 1](top) + lateral
            stairs.insert(0, top)
        stairs = stairs[:self.levels]
        maps = [topdown.extra_layers[self.levels - 1 - level](stair) for level, stair in enumerate(stairs)]
        return attend(self, maps)

    def both_heads(self):
        return self.loc[:self.levels], self.conf[:self.levels]


# ---- Weights --------------------------------------------------------------------------------------------------------


def spread(model, seed):
    """Noise that keeps what passes through it about as large as 1, whatever the pixels are divided by. A filter's weights
    add up to nothing: what all of its inputs have in common, which grows from ReLU to ReLU, would make all cells alike.
    """
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            weight = module.weight.data
            fan_in = weight.shape[0 if isinstance(module, nn.ConvTranspose2d) else 1] * weight[0, 0].numel()
            weight.normal_(0, math.sqrt(getattr(module, "gain", 2) / fan_in))
            if weight.shape[1] == 3:
                weight *= model.rules.divisor / 128
            elif weight[0].numel() > 1:
                weight -= weight.mean(tuple(range(1, weight.dim())), keepdim=True)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.5)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.weight.data.uniform_(0.7, 1.3)
            module.bias.data.normal_(0, 0.3)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
        elif isinstance(module, L2Norm):
            module.weight.data.uniform_(10, 30)
        elif isinstance(module, TorchvisionBackbone):
            module.scale_weight.data.uniform_(10, 30)


def last_of(head):
    return head[-1] if isinstance(head, nn.Sequential) else head


def settle(model, pixels, seed=1):
    """Gives the weights, the heads' so that offsets are about 1 and logits about 2 on this picture; the background's
    grow with a map's cells, so that every map has its say. Returns what the network then finds there: corners in pixels
    [priors, 4] and probabilities [priors, classes]."""
    spread(model, seed)
    model.eval()
    with torch.no_grad():
        maps = model.look(prepare(model.rules, pixels))
        for x, loc, conf in zip(maps, *model.both_heads()):
            for head, size in ((loc, 1), (conf, 2)):
                last = last_of(head)
                last.bias.zero_()
                last.weight *= size / head(x).std()
                last.bias.normal_(0, 0.3)
            last_of(conf).bias.view(-1, model.classes)[:, 0] += math.log(x.shape[2] * x.shape[3])
        loc, conf = ([head(x) for head, x in zip(side, maps)] for side in model.both_heads())
    return decode(model.rules, flatten(loc, 4)), torch.softmax(flatten(conf, model.classes), 1).numpy()


# ---- Around the network ---------------------------------------------------------------------------------------------


def prepare(rules, pixels):
    x = pixels.astype(np.float32)
    if rules.channels == "bgr":
        x = x[:, :, ::-1]
    x = (x - np.array(rules.mean, np.float32)) / np.float32(rules.divisor)
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None]


def anchors(rules):
    """cx, cy, w, h as fractions of the picture, in the order of the heads' outputs."""
    rows = []
    for side, step, small, large, boxes in zip(rules.maps, rules.steps, rules.sizes, rules.sizes[1:], rules.boxes):
        shapes = [(small, small), (math.sqrt(small * large),) * 2]
        for ratio in {4: (2,), 6: (2, 3)}[boxes]:
            root = math.sqrt(ratio)
            shapes += [(small * root, small / root), (small / root, small * root)]
        for y in range(side):
            for x in range(side):
                rows += [((x + 0.5) * step, (y + 0.5) * step, w, h) for w, h in shapes]
    found = np.array(rows) / rules.size
    if rules.clip == "all":
        found = found.clip(0, 1)
    elif rules.clip == "wh":
        found[:, 2:] = found[:, 2:].clip(0, 1)
    return found


def flatten(outputs, columns):
    return torch.cat([out[0].permute(1, 2, 0).reshape(-1, columns) for out in outputs]).double()


def decode(rules, offsets):
    prior, offsets = anchors(rules), offsets.numpy()
    centre = prior[:, :2] + 0.1 * offsets[:, :2] * prior[:, 2:]
    half = prior[:, 2:] * np.exp(0.2 * offsets[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], 1) * rules.size


def overlaps(box, others, edge, eps):
    """Intersection over union; `edge` is what a project adds to a side, `eps` what it adds to the union."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]) + edge
    both = sides.clip(0).prod(1)
    areas = [(b[..., 2:] - b[..., :2] + edge).prod(-1) for b in (box, others)]
    return both / (areas[0] + areas[1] - both + eps)


def select(model, boxes, scores, threshold, skip=(), limit=0.45, doubt=1e-4):
    """([(score, class, box clipped to the picture)] by falling score, classes that a rounding error may change).

    `skip` are classes that are never reported, beside the background."""
    rules, found, doubtful = model.rules, [], set()
    if rules.clips_boxes:
        boxes = boxes.clip(0, rules.size)
    for label in range(1, scores.shape[1]):
        at = np.flatnonzero(scores[:, label] > threshold)
        if label in skip or not at.size:
            continue
        at = at[np.argsort(-scores[at, label], kind="stable")]
        at = at[:rules.top_k or None]
        while at.size:
            found.append((float(scores[at[0], label]), label, boxes[at[0]].clip(0, rules.size)))
            found_overlaps = overlaps(boxes[at[0]], boxes[at[1:]], rules.edge, rules.eps * rules.size ** 2)
            if (abs(found_overlaps - limit) < doubt).any():
                doubtful.add(label)
            at = at[1:][found_overlaps <= limit]
    found.sort(key=lambda item: -item[0])
    return found[:rules.keep or None], doubtful


# ---- The list -------------------------------------------------------------------------------------------------------

SSD_PYTORCH = {"top_k": 200}
RFBNET = {"channels": "bgr", "keep": 200, "edge": 1, "boxes": (6, 6, 6, 6, 4, 4)}
STAIRNET = {"top_k": 200, "boxes": (6, 6, 6, 6, 4, 4)}
SMALL_MAPS = {"maps": (19, 10, 5, 3, 2, 1), "steps": (16, 32, 64, 100, 150, 300)}


def rfbnet_mobile(**options):
    return RfbnetMobile(Rules(mean=(103.94, 116.78, 123.68), sizes=(45, 90, 135, 180, 225, 270, 315), **SMALL_MAPS,
                              **RFBNET), **options)


BUILDERS = {
    "ssd.pytorch": lambda: SsdPytorch(Rules(mean=(123, 117, 104), **SSD_PYTORCH)),
    "ssd.pytorch 512": lambda: SsdPytorch(Rules(sizes=SIZES_512, boxes=(4, 6, 6, 6, 6, 4, 4), **MAPS_512,
                                                **SSD_PYTORCH)),
    "rfbnet": lambda: Rfbnet(Rules(mean=(104, 117, 123), **RFBNET)),
    "rfbnet-mobilenet": lambda: rfbnet_mobile(),
    "rfbnet-mobilenet with SE": lambda: rfbnet_mobile(attention=Se),
    "rfbnet-mobilenet with CBAM": lambda: rfbnet_mobile(attention=Cbam),
    "rfbnet-mobilenet with BAM": lambda: rfbnet_mobile(attention=Bam),
    "rfbnet-mobilenet with ECA": lambda: rfbnet_mobile(attention=Eca),
    "lufficc": lambda: Lufficc(Rules(sizes=COCO_SIZES, keep=100), classes=81),
    "torchvision": lambda: Torchvision(Rules(mean=[255 * m for m in (0.48235, 0.45882, 0.40784)], sizes=COCO_SIZES,
                                             clip="wh", top_k=400, keep=200, clips_boxes=True)),
    "qfgaohao": lambda: Qfgaohao(Rules(mean=(127, 127, 127), divisor=128, sizes=(60, 105, 150, 195, 240, 285, 330),
                                       boxes=(6,) * 6, top_k=200, eps=1e-5, **SMALL_MAPS)),
    "qfgaohao lite": lambda: QfgaohaoLite(Rules(mean=(127, 127, 127), divisor=128,
                                                sizes=(60, 105, 150, 195, 240, 285, 330), boxes=(6,) * 6, top_k=200,
                                                eps=1e-5, **SMALL_MAPS)),
    "stairnet": lambda: StairNet(Rules(**STAIRNET)),
    "stairnet, five levels": lambda: StairNet(Rules(**{**STAIRNET, "boxes": (6, 6, 6, 6, 4)}), levels=5),
    "stairnet with CBAM": lambda: StairNet(Rules(**STAIRNET), attention=Cbam),
}
