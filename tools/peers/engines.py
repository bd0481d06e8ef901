"""The programs that are compared with us, each in a process of its own: a network in it, fed with a picture.

Asked for fp32 they compute with that, asked for "default" with what they take when nobody asks; `precision` says what
that is. run() gives the heads in the engine's own containers, outputs() {head: array}. All other options stay as the
engine sets them.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os

import numpy as np

INPUT = "data"
BUSY_PART = 0.5  # workers share a frame about evenly; a thread with less than this part of the busiest is none


def path_in(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        raise RuntimeError("there is no model for it")
    return path


class OnnxRuntime:
    def __init__(self, folder, x, threads, precision, device):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.version, self.precision = onnxruntime.__version__, "fp32"
        self.session = onnxruntime.InferenceSession(path_in(folder, "model.onnx"), options,
                                                    providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.x = x

    def run(self):
        return self.session.run(self.names, {INPUT: self.x})

    def outputs(self):
        return dict(zip(self.names, self.run()))


class OpenVino:
    def __init__(self, folder, x, threads, precision, device):
        import openvino

        config = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        if precision == "fp32":
            config["INFERENCE_PRECISION_HINT"] = "f32"
        core = openvino.Core()
        model = core.compile_model(path_in(folder, "model.onnx"), "CPU", config)
        name = model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.version = openvino.__version__.split("-")[0]
        self.precision = {"f32": "fp32", "f16": "fp16"}.get(name, name)
        self.request = model.create_infer_request()
        self.names = [output.get_any_name() for output in model.outputs]
        self.x = x

    def run(self):
        result = self.request.infer({INPUT: self.x}, share_inputs=True, share_outputs=True)
        return [result[i] for i in range(len(self.names))]

    def outputs(self):
        return {name: np.array(values, np.float32) for name, values in zip(self.names, self.run())}


class OpenCv:
    def __init__(self, folder, x, threads, precision, device):
        import cv2

        cv2.setNumThreads(threads)
        self.version, self.precision = cv2.__version__, "fp32"
        self.net = cv2.dnn.readNetFromONNX(path_in(folder, "model.onnx"))
        self.names = [name for name in np.load(path_in(folder, "truth.npz")).files
                      if name.startswith(("loc.", "conf."))]
        self.x = x

    def run(self):
        self.net.setInput(self.x, INPUT)
        return self.net.forward(self.names)

    def outputs(self):
        return {name: np.array(values) for name, values in zip(self.names, self.run())}


class Ncnn:
    """On the processor, or with the name of a Vulkan device there."""

    def __init__(self, folder, x, threads, precision, device):
        import ncnn

        self.version, self.net = ncnn.__version__, ncnn.Net()
        option = self.net.opt
        option.num_threads = threads
        reduced = [name for name in dir(option) if name.startswith(("use_fp16", "use_bf16", "use_int8"))]
        if precision == "fp32":
            for name in reduced:
                setattr(option, name, False)
        self.precision = precision  # what it takes of 16-bit numbers depends on the layer
        if device:
            gpu = find_gpu(ncnn, device)
            option.use_vulkan_compute = True
            self.net.set_vulkan_device(gpu)
        param, weights = path_in(folder, "model.param"), path_in(folder, "model.bin")
        if self.net.load_param(param) != 0 or self.net.load_model(weights) != 0:
            raise RuntimeError("it cannot load the model")
        self.names = [name for name in np.load(path_in(folder, "truth.npz")).files
                      if name.startswith(("loc.", "conf."))]
        self.ncnn, self.x = ncnn, x
        if device:
            self.run()  # the driver compiles
            pin_workers(self.run)

    def run(self):
        extractor = self.net.create_extractor()
        extractor.input(INPUT, self.ncnn.Mat(self.x[0]))
        heads = []
        for name in self.names:
            status, head = extractor.extract(name)
            if status != 0:
                raise RuntimeError(f"'{name}' was not computed")
            heads.append(head)
        return heads

    def outputs(self):
        return {name: np.array(head) for name, head in zip(self.names, self.run())}


def find_gpu(ncnn, name):
    """The number of ncnn's Vulkan device of that name."""
    ncnn.create_gpu_instance()
    for i in range(ncnn.get_gpu_count()):
        if ncnn.get_gpu_info(i).device_name() == name:
            return i
    raise RuntimeError(f"it does not find the Vulkan device '{name}'")


def thread_times():
    """{thread: ns it ran}, empty where the system does not tell."""
    times = {}
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/schedstat", encoding="ascii") as file:
                times[int(thread)] = int(file.read().split()[0])
    except OSError:
        return {}
    return times


def pin_workers(run):
    """Gives each thread of a Vulkan driver that computes the frame a processor of its own, as cbam-bench does: else the
    scheduler at times puts two on one, and all takes twice as long."""
    before = thread_times()
    run()
    ran = {thread: time - before[thread] for thread, time in thread_times().items()
           if thread in before and thread != os.getpid()}
    processors = sorted(os.sched_getaffinity(0))
    workers = sorted(ran, key=ran.get, reverse=True)[:len(processors)]
    if len(workers) == len(processors) >= 2 and ran[workers[-1]] > BUSY_PART * ran[workers[0]]:
        for thread, processor in zip(workers, processors):
            os.sched_setaffinity(thread, {processor})


ENGINES = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "opencv": OpenCv, "ncnn-cpu": Ncnn, "ncnn-vulkan": Ncnn}
