"""ncnn as a peer: its own model files written straight from a list of layers, and frames run through it.

ncnn's .param is text: a magic number, how many layers and blobs there are, and a line per layer of type, name, numbers
of inputs and outputs, their blobs, and parameters by number. Its .bin has the weights in the layers' order.

SPDX-License-Identifier: LGPL-2.1-or-later
"""


import numpy as np

from .networks import INPUT, L2NORM_EPS, SIZE, fold

MAGIC = 7767517
RELU = 1  # activation_type
POOL_CEIL, POOL_FLOOR = 0, 1  # pad_mode
RAW_FLOAT32 = b"\0\0\0\0"  # the tag before a convolution's weights


# ---- Writing -------------------------------------------------------------------------------------------------------

def write_model(net, tensors, param_path, bin_path):
    """Batch norms are folded into the convolutions and ReLUs fused with them, and every blob's shape is said, all of
    it as ncnn's own ncnnoptimize leaves a model."""
    lines = param_lines(net)
    blobs = sum(int(line.split()[3]) for line in lines)
    with open(param_path, "w", encoding="ascii") as file:
        file.write(f"{MAGIC}\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n")
    with open(bin_path, "wb") as file:
        for layer in net.layers:
            if layer.kind == "l2_norm":
                file.write(tensors[f"{layer.name}.weight"].astype("<f4").tobytes())
            elif layer.kind != "max_pool":
                weight, bias = fold(layer, tensors)
                file.write(RAW_FLOAT32 + weight.astype("<f4").tobytes() + bias.astype("<f4").tobytes())


def param_lines(net):
    """A blob with several readers goes through a Split, which ncnn wants and which costs nothing."""
    readers = {}
    for layer in net.layers:
        readers.setdefault(layer.input, []).append(layer.name)
    lines = [param_line("Input", INPUT, [], [INPUT], net.outputs[INPUT], {0: SIZE, 1: SIZE, 2: 3})]
    for layer in net.layers:
        blob = layer.input
        if len(readers[blob]) > 1:
            blob = f"{blob}/{layer.name}"
        kind, params = layer_params(layer)
        lines.append(param_line(kind, layer.name, [blob], [layer.name], net.outputs[layer.name], params))
        after = readers.get(layer.name, [])
        if len(after) > 1:
            parts = [f"{layer.name}/{reader}" for reader in after]
            lines.append(param_line("Split", f"{layer.name}/split", [layer.name], parts, net.outputs[layer.name], {}))
    return lines


def param_line(kind, name, inputs, outputs, shape, params):
    channels, size = shape
    hints = [4 * len(outputs)] + [3, size, size, channels] * len(outputs)  # three dimensions: width, height, channels
    return " ".join([kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs,
                     *(f"{key}={value}" for key, value in params.items()), "-23330=" + ",".join(map(str, hints))])


def layer_params(layer):
    """(ncnn's type of the layer, its parameters by number)"""
    if layer.kind == "max_pool":
        return "Pooling", {0: 0, 1: layer.kernel, 2: layer.stride, 3: layer.pad,
                           5: POOL_CEIL if layer.ceil else POOL_FLOOR}
    if layer.kind == "l2_norm":
        return "Normalize", {0: 0, 1: 0, 2: L2NORM_EPS, 3: layer.channels, 4: 1}
    params = {0: layer.channels, 1: layer.kernel, 2: layer.dilation, 3: layer.stride, 4: layer.pad, 5: 1,
              6: int(np.prod(layer.weight_shape))}
    if layer.kind == "depthwise":
        params[7] = layer.channels
    if layer.relu:
        params[9] = RELU
    return "ConvolutionDepthWise" if layer.kind == "depthwise" else "Convolution", params


# ---- Running -------------------------------------------------------------------------------------------------------

class NcnnPeer:
    """A network in ncnn, fed with one picture over and over."""

    def __init__(self, net, param_path, bin_path, picture, threads, gpu=None, reduced=False):
        """`gpu`: which of ncnn's Vulkan devices; None is the CPU. `reduced`: ncnn's own choice of 16-bit storage and
        arithmetic, else everything is fp32. All its other options stay as ncnn sets them."""
        import ncnn

        self.net = ncnn.Net()
        self.net.opt.num_threads = threads
        if not reduced:
            for option in dir(self.net.opt):
                if option.startswith(("use_fp16", "use_bf16", "use_int8")):
                    setattr(self.net.opt, option, False)
        if gpu is not None:
            self.net.opt.use_vulkan_compute = True
            self.net.set_vulkan_device(gpu)
        if self.net.load_param(param_path) != 0 or self.net.load_model(bin_path) != 0:
            raise RuntimeError(f"ncnn cannot load {param_path}")
        picture = np.ascontiguousarray(picture, np.float32)  # must outlive the matrix over it, which does not own it
        self.input = ncnn.Mat(picture).clone()
        self.heads = [layer.name for layer in net.layers if layer.name.startswith(("loc.", "conf."))]

    def run(self):
        """A frame: {head's name: ncnn's matrix}."""
        extractor = self.net.create_extractor()
        extractor.input(INPUT, self.input)
        heads = {}
        for name in self.heads:
            status, heads[name] = extractor.extract(name)
            if status != 0:
                raise RuntimeError(f"ncnn: '{name}' was not computed")
        return heads

    def outputs(self):
        return {name: np.array(head) for name, head in self.run().items()}


def find_gpu(name):
    """The number of ncnn's Vulkan device of that name, or None."""
    import ncnn

    ncnn.create_gpu_instance()
    return next((i for i in range(ncnn.get_gpu_count()) if ncnn.get_gpu_info(i).device_name() == name), None)
