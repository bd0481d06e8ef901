"""One training, from wherever it stands to its end: batches, steps, the averaged weights, checkpoints, progress.

Everything random comes from the seed and the number of the step, so that a training that was stopped anywhere goes on
as if it had not been.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import io
import math
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import torch

import crops
from augment import augment
from boxes import anchors_of
from devkit import order_of_pass
from cell_teacher import CellTeacher
from loss import ClassLoss, Loss
from quality import QualityLoss
from shared.output import writing
from score import normaliser
from team import Team

REPORT = 20.0      # seconds between lines of progress
CHECKPOINT = 300.0  # ... between checkpoints
LAST = 0.02        # of the rate, at the end of the cosine
RAMP = 0.05        # of all steps, in which the trunk's rate grows once it may learn


class Stopped(Exception):
    """The user asked to stop; a checkpoint was written."""


class Average:
    """The exponential moving average of a network's weights, which follows fast while young."""

    def __init__(self, network, factor):
        self.factor, self.steps = factor, 0
        self.tensors = {name: tensor.detach().clone() for name, tensor in network.tensors().items()}

    @torch.no_grad()
    def update(self, network):
        self.steps += 1
        keep = min(self.factor, (1 + self.steps) / (10 + self.steps))
        for name, tensor in network.tensors().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - keep)

    @torch.no_grad()
    def swap(self, network):
        """Exchanges the average and the network's weights; twice is nothing."""
        for name, tensor in network.tensors().items():
            kept = tensor.clone()
            tensor.copy_(self.tensors[name])
            self.tensors[name].copy_(kept)


def freeze(network, count):
    """Keeps the first `count` convolutions of the trunk, with their batch norms, as they are."""
    convolutions = 0
    for module in network.backbone.modules():
        if isinstance(module, torch.nn.Conv2d):
            convolutions += 1
        if convolutions > count:
            return
        if not list(module.children()):
            for parameter in module.parameters():
                parameter.requires_grad_(False)
            module.eval()


def parameter_groups(network, recipe):
    """AdamW's groups: the trunk, the rest, the spatial attention; biases and norms do not decay. Attention within the
    trunk is of the rest: few trunks that one may start from have it."""
    groups = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        is_trunk = name.startswith("backbone.") and "Gate." not in name
        if is_trunk:
            rate = recipe.trunk_rate
        elif ".SpatialGate." in name:
            rate = recipe.rate * recipe.attend_rate
        else:
            rate = recipe.rate
        decay = recipe.decay if parameter.dim() > 1 else 0.0
        groups.setdefault((rate, decay, is_trunk), []).append(parameter)
    return [{"params": parameters, "lr": rate, "full_rate": rate, "weight_decay": decay, "is_trunk": is_trunk}
            for (rate, decay, is_trunk), parameters in groups.items()]


class Session:
    def __init__(self, recipe, network, pictures, factors, folder, seed=1, device="cpu", half=True, teacher=None,
                 loaders=0, say=print, processes=1):
        self.recipe, self.network, self.pictures, self.factors = recipe, network, pictures, factors
        self.folder, self.seed, self.device, self.half, self.say = folder, seed, torch.device(device), half, say
        document = recipe.document
        self.normalise = normaliser(document)
        self.teacher = teacher if recipe.distil or recipe.mimic else None
        anchors = anchors_of(document) if recipe.loss != "classes" else None
        if recipe.loss == "classes":
            self.loss = ClassLoss()
        elif recipe.loss == "quality":
            self.loss = QualityLoss(document, anchors.to(self.device), recipe.attend, recipe.distil, recipe.mimic)
            if self.teacher:
                self.teacher.pair(network)
        else:
            self.loss = Loss(document, anchors, recipe.loss, recipe.attend, recipe.distil)
            if self.teacher:
                self.teacher.pair(anchors)
        per_pass = float(np.sum(factors))
        self.steps = max(1, round(recipe.passes * per_pass / recipe.batch))
        self.steps_per_pass = per_pass / recipe.batch
        self.step, self.orders, self.seen = 0, {}, {}
        self.network.to(self.device, memory_format=torch.channels_last)
        self.wake()
        self.optimizer = torch.optim.AdamW(parameter_groups(self.network, recipe))
        self.learning = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        self.trunk = [parameter for parameter in network.backbone.parameters() if parameter.requires_grad]
        self.team = Team(processes, self.learning)
        self.average = Average(self.network, recipe.average)
        self.pool = ThreadPoolExecutor(loaders) if loaders else None
        self.stop = False

    def wake(self):
        """Ready to learn, whatever was done with the network meanwhile."""
        self.network.train()
        freeze(self.network, self.recipe.frozen)

    # ---- Batches

    def picture_at(self, place):
        """The picture number `place` of the whole training."""
        lengths = 0
        for number in range(10 ** 6):
            if number not in self.orders:
                self.orders[number] = order_of_pass(self.factors, self.seed, number)
            if place < lengths + len(self.orders[number]):
                return self.orders[number][place - lengths]
            lengths += len(self.orders[number])
        raise IndexError(place)

    def prepare(self, place):
        chance = np.random.default_rng((self.seed, 2, place))
        spec, settings = self.recipe.document["input"], self.recipe.augmentation
        chosen = [self.picture_at(place)]
        if self.recipe.loss == "classes":
            return crops.augment(self.pictures[chosen[0]], spec, settings, chance)
        if settings.mosaic and chance.random() < settings.mosaic:
            chosen += chance.choice(len(self.pictures), 3, p=self.factors / self.factors.sum()).tolist()
        return augment([self.pictures[number] for number in chosen], spec["width"], spec["height"], settings,
                       (128, 128, 128), chance)

    def batch(self, step):
        places = self.team.share(range(step * self.recipe.batch, (step + 1) * self.recipe.batch))
        pixels, colours, *targets = zip(*(self.pool.map if self.pool else map)(self.prepare, places))
        return torch.stack(pixels), torch.stack(colours), list(zip(*targets))

    def paint(self, pixels, colours):
        """Bytes [B, H, W, 3] in other colours, as floats 0 to 255."""
        flat = pixels.flatten(1, 2).float()
        painted = torch.baddbmm(colours[:, None, :, 3], flat, colours[:, :, :3].transpose(1, 2))
        return painted.clamp_(0, 255).view(pixels.shape)

    # ---- Steps

    def rate(self, step):
        """Of the full rate: a linear warm-up, then a cosine."""
        warm = min(1.0, (step + 1) / self.recipe.warm_up)
        return warm * (LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * step / self.steps)))

    def thaw(self):
        """Of the trunk's rate: nothing while it is to stay as it is, then growing."""
        done = self.step / self.steps - self.recipe.still
        return 1.0 if self.recipe.still == 0 else min(1.0, max(0.0, done / RAMP))

    def ask(self, pixels, x, layers):
        """The teacher's answers about a batch, or about its first pictures."""
        if isinstance(self.teacher, CellTeacher):
            return self.teacher(x, layers, self.half)
        return self.teacher(pixels[:math.ceil(len(pixels) * self.recipe.distil_share)], self.half)

    def take_step(self):
        pixels, colours, targets = self.batch(self.step)
        pixels = self.paint(pixels.to(self.device), colours.to(self.device))
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_rate"] * self.rate(self.step) * (self.thaw() if group["is_trunk"] else 1)
        for parameter in self.trunk:
            parameter.requires_grad_(self.thaw() > 0)
        x = self.normalise(pixels)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            layers = self.network.backbone(x)
        lesson = self.ask(pixels, x, layers) if self.teacher else None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            levels = self.network.look(layers)
        terms = self.loss(self.network, levels, targets, lesson)
        total = sum(terms.values())
        if not torch.isfinite(total):
            raise FloatingPointError(f"step {self.step}: the loss is {float(total)}")
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        self.team.average(self.learning)
        torch.nn.utils.clip_grad_norm_((p for p in self.network.parameters() if p.grad is not None), 10.0)
        self.optimizer.step()
        self.average.update(self.network)
        self.step += 1
        for name, term in terms.items():
            self.seen.setdefault(name, []).append(float(term.detach()))

    def run(self, until=None, minutes=None):
        """Trains to the end, or to a step, or for so many minutes. Returns whether it is at the end."""
        self.wake()
        last = min(self.steps, until or self.steps)
        before = {name: signal.signal(name, self.on_signal) for name in (signal.SIGINT, signal.SIGTERM)}
        threads = torch.get_num_threads()
        try:
            self.team.start(lambda: self.walk(last, minutes))
            self.walk(last, minutes)
        except BaseException:
            self.team.fail()
            raise
        finally:
            self.team.end()
            torch.set_num_threads(threads)
            for name, handler in before.items():
                signal.signal(name, handler)
        self.save()
        if self.stop:
            raise Stopped
        return self.step >= self.steps

    def walk(self, last, minutes):
        """Steps up to `last`, as far as time and the user let it: what the first process finds, all do."""
        began = reported = saved = time.monotonic()
        first = self.step
        while self.step < last:
            self.take_step()
            now = time.monotonic()
            if self.team.decide(self.stop or (minutes and now - began > 60 * minutes)):
                break
            if self.team.rank > 0:
                continue
            if now - reported > REPORT:
                self.report((self.step - first) / (now - began))
                reported = now
            if now - saved > CHECKPOINT:
                self.save()
                saved = now

    def on_signal(self, *_):
        self.stop = True

    def report(self, speed):
        left = (self.steps - self.step) / speed
        means = "  ".join(f"{name} {np.mean(values):.3f}" for name, values in self.seen.items())
        self.seen = {}
        self.say(f"step {self.step}/{self.steps}  pass {self.step / self.steps_per_pass:.2f}  {means}  "
                 f"{speed * self.recipe.batch:.1f} pictures/s  {int(left // 3600)}:{int(left // 60 % 60):02} left")

    # ---- Checkpoints

    @property
    def checkpoint(self):
        return os.path.join(self.folder, "checkpoint.pt")

    def identity(self):
        """What must be the same for a checkpoint to be continued; the number of passes may change."""
        known = asdict(self.recipe)
        known.pop("passes")
        return {"recipe": known, "seed": self.seed, "pictures": len(self.pictures)}

    def save(self):
        state = {"step": self.step, "identity": self.identity(), "half": self.half, "network": self.network.state_dict(),
                 "average": self.average.tensors, "average_steps": self.average.steps,
                 "optimizer": self.optimizer.state_dict()}
        content = io.BytesIO()  # PyTorch 1.13 aborts the process if its own writing fails
        torch.save(state, content)
        with writing(self.checkpoint) as file:
            file.write(content.getbuffer())

    def resume(self):
        """Goes on where the checkpoint in the folder stands. Returns whether there is one."""
        if not os.path.exists(self.checkpoint):
            return False
        try:
            state = torch.load(self.checkpoint, map_location=self.device)
            state["identity"], state["step"]
        except OSError:
            raise
        except Exception as error:  # torch and pickle raise what they like
            raise ValueError(f"'{self.checkpoint}': expected a checkpoint of this program, found none, or a damaged "
                             "one; remove it to begin anew, or choose another --out") from error
        for key, value in self.identity().items():
            if state["identity"][key] != value:
                raise ValueError(f"'{self.checkpoint}' is of another training: its {key} differs; "
                                 "choose another --out or the same options")
        self.step, self.half = state["step"], state.get("half", self.half)
        self.network.load_state_dict(state["network"])
        self.average.steps = state["average_steps"]
        self.average.tensors = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        return True
