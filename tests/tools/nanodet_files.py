"""A small NanoDet-Plus as ncnn has it, of seeded noise: what tools/convert is to make of it is known by our names.

    net = Nanodet()
    path = net.write(folder, "nanodet")
    net.expected["stage2.0.branch1.0.weight"]

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import numpy as np

from ncnn_files import Ncnn, plain, tagged

STAGES = ((2, 4, 48), (3, 8, 96), (4, 4, 192))  # width 0.5
NECK, CLASSES, BINS, BLOCKS = 16, 3, 4, 2


class Nanodet(Ncnn):
    """`fused` activations are their convolutions' own; else they are layers. `prefix` names layers and blobs; `places` are
    the blobs of what has a name here too: stage2 ..., extras.0, sum.{level}, scores.{level}, distances.{level}."""

    def __init__(self, fused=True, prefix="l", seed=3, slope=0.1, kind="f32"):
        super().__init__()
        self.fused, self.prefix, self.slope, self.kind = fused, prefix, slope, kind
        self.noise, self.expected, self.places, self.count = np.random.default_rng(seed), {}, {}, 0
        self.build()

    def blob(self):
        self.count += 1
        return f"{self.prefix}{self.count}"

    def layer(self, kind, inputs, params="", outputs=1, *data):
        blobs = [self.blob() for _ in range(outputs)]
        self.add(kind, f"{self.prefix}_{kind}_{self.count}", inputs, blobs, params, *data)
        return blobs if outputs > 1 else blobs[0]

    def split(self, blob, count):
        return self.layer("Split", [blob], "", count)

    def conv(self, name, blob, outputs, inputs, kernel=1, stride=1, depthwise=False, active=True):
        """`name` is ours; None where nothing is taken over."""
        weight = self.noise.normal(0, 1 / kernel / inputs ** 0.5, (outputs, 1 if depthwise else inputs, kernel, kernel))
        weight = weight.astype("<f2" if self.kind == "f16" else "<f4").astype(np.float32)
        bias = self.noise.normal(0, 0.1, outputs).astype(np.float32)
        if name:
            self.expected[f"{name}.weight"], self.expected[f"{name}.bias"] = weight, bias
        params = f"0={outputs} 1={kernel} 3={stride} 4={kernel // 2} 5=1 6={weight.size}"
        params += f" 7={outputs}" if depthwise else ""
        if active and self.fused:
            params += f" 9=2 -23310=1,{self.slope:e}"
        out = self.layer("ConvolutionDepthWise" if depthwise else "Convolution", [blob], params, 1,
                         tagged(weight, self.kind), plain(bias))
        return self.layer("ReLU", [out], f"0={self.slope:e}") if active and not self.fused else out

    def depthwise(self, name, blob, channels, kernel=3, stride=1, active=False):
        return self.conv(name, blob, channels, channels, kernel, stride, True, active)

    # ---- Parts ----

    def build(self):
        self.input(f"{self.prefix}in")
        x = self.conv("conv1.0", f"{self.prefix}in", 24, 3, 3, 2)
        x, inputs, maps = self.layer("Pooling", [x], "0=0 1=3 2=2 3=1 5=1"), 24, []
        for stage, units, outputs in STAGES:
            for unit in range(units):
                name, half = f"stage{stage}.{unit}", outputs // 2
                if unit == 0:
                    a, b = self.split(x, 2)
                    a = self.depthwise(f"{name}.branch1.0", a, inputs, 3, 2)
                    a = self.conv(f"{name}.branch1.2", a, half, inputs)
                else:
                    a, b = self.layer("Slice", [x], "-23300=2,-233,-233", 2)
                b = self.conv(f"{name}.branch2.0", b, half, half if unit else inputs)
                b = self.depthwise(f"{name}.branch2.3", b, half, 3, 1 if unit else 2)
                b = self.conv(f"{name}.branch2.5", b, half, half)
                x = self.layer("ShuffleChannel", [self.layer("Concat", [a, b])], "0=2")
            x, end = self.split(x, 2)
            maps.append(end)
            self.places[f"stage{stage}"] = end
            inputs = outputs
        self.heads(self.neck(maps))

    def neck(self, maps):
        """A path aggregation network of the same kind: one down with sums, then one up."""
        inner = [self.conv(f"topdown.proj_layers.{j}.conv", blob, NECK, depth)
                 for j, blob, (_, _, depth) in zip((3, 2, 1), maps, STAGES)]
        extra, *copies = self.split(inner[2], 3)
        for part in ("weight", "bias"):
            self.expected[f"extras.0.0.{part}"] = self.expected[f"topdown.proj_layers.1.conv.{part}"]
        extra = self.depthwise("extras.0.2", extra, NECK, 5, 2, True)
        extra = self.places["extras.0"] = self.conv("extras.0.4", extra, NECK, NECK)
        x, sums = copies[0], [copies[1]]
        for fine in (1, 0):
            own, other = self.split(inner[fine], 2)
            both = self.layer("Concat", [self.layer("Interp", [x], "0=2 1=2.0 2=2.0"), own])
            x = self.layer("BinaryOp", [self.conv(None, both, NECK, 2 * NECK), other], "0=0")
            x, kept = self.split(x, 2)
            sums.insert(0, kept)
        ends, up = [], None
        for own in (*sums, extra):
            if up:
                down = self.conv(None, self.depthwise(None, up, NECK, 5, 2, True), NECK, NECK)
                own = self.layer("BinaryOp", [own, down], "0=0")
            up, end = self.split(own, 2)
            self.places[f"sum.{len(ends)}"] = end
            ends.append(end)
        return ends

    def heads(self, maps):
        for level in (3, 2, 1, 0):
            x = maps[level]
            for block in range(BLOCKS):
                name = f"topdown.extra_layers.{3 - level}" + (f".{block}" if block else "")
                x = self.conv(f"{name}.pw.conv", self.depthwise(f"{name}.dw.conv", x, NECK, 5, 1, True), NECK, NECK)
            x = self.conv("last", x, CLASSES + 4 * BINS, NECK, active=False)
            for part in ("weight", "bias"):
                last = self.expected.pop(f"last.{part}")
                self.expected[f"conf.{level}.{part}"] = last[:CLASSES]
                self.expected[f"loc.{level}.{part}"] = last[CLASSES:]
            scores, distances = self.layer("Slice", [x], f"-23300=2,{CLASSES},-233", 2)
            self.places[f"scores.{level}"] = self.layer("Sigmoid", [scores])
            self.places[f"distances.{level}"] = distances
            self.layer("Permute", [distances], "0=3")
