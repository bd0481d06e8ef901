"""Processes that train one network together: each takes its share of every batch, and their gradients are averaged.

On a CPU, two processes of one thread are half again as fast as one of two: small layers leave a second thread idle. All
of them hold the same weights and make the same steps, so that any one's are the network's. The first is the process
that made the team; the others are forked from it and end with the work.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import threading
import traceback

import torch
import torch.multiprocessing as multiprocessing

PATIENCE = 600.0  # seconds that one may be later than the others


class Broken(RuntimeError):
    """One of the processes is gone."""


class Team:
    """`count` processes over the same parameters. With one, nothing is forked and nothing waits."""

    def __init__(self, count, parameters):
        self.count, self.rank, self.children = count, 0, []
        self.sizes = [parameter.numel() for parameter in parameters]
        if count > 1:
            context = multiprocessing.get_context("fork")
            self.shared = torch.zeros(count, sum(self.sizes)).share_memory_()
            self.decision = torch.zeros(1).share_memory_()
            self.barrier = context.Barrier(count)

    def start(self, work):
        """Forks the others, who do `work ()`, with one thread each as this process from now on."""
        if self.count == 1:
            return
        torch.set_num_threads(1)
        for rank in range(1, self.count):
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                self.help(rank, work)
            self.children.append(child)

    def help(self, rank, work):
        code = 1
        try:
            self.rank, self.children = rank, []
            work()
            code = 0
        except Broken:
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            if code:
                self.barrier.abort()
            os._exit(code)

    def end(self):
        for child in self.children:
            os.waitpid(child, 0)
        self.children = []

    def fail(self):
        """Lets the others know that this one cannot go on."""
        if self.count > 1:
            self.barrier.abort()

    def wait(self):
        try:
            self.barrier.wait(PATIENCE)
        except threading.BrokenBarrierError as error:
            raise Broken("one of the training's processes has ended; its error stands above") from error

    def share(self, places):
        """Of a batch."""
        return places[self.rank::self.count]

    def average(self, parameters):
        """Of the gradients of all processes, in place."""
        if self.count == 1:
            return
        own = self.shared[self.rank]
        for parameter, part in zip(parameters, own.split(self.sizes)):
            if parameter.grad is None:
                part.zero_()
            else:
                part.copy_(parameter.grad.reshape(-1))
        self.wait()
        mean = self.shared.mean(0)
        for parameter, part in zip(parameters, mean.split(self.sizes)):
            if parameter.grad is not None:
                parameter.grad.copy_(part.view_as(parameter))

    def decide(self, value):
        """What the first process says, to all. Nobody writes into the shared memory before all have read it."""
        if self.count == 1:
            return value
        if self.rank == 0:
            self.decision[0] = float(value)
        self.wait()
        return bool(self.decision[0])
