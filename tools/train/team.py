"""Processes that train one network together: each takes its share of every batch, and their gradients are averaged.

On a CPU, two processes of one thread are half again as fast as one of two: small layers leave a second thread idle. All
of them hold the same weights and make the same steps, so that any one's are the network's. The first is the process
that made the team; the others are forked from it and end with the work.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import sys
import threading
import time
import traceback

import torch
import torch.multiprocessing as multiprocessing

GLANCE = 2.0  # seconds between looks at whether the others are still there


class Broken(RuntimeError):
    """One of the processes is gone."""


class Team:
    """`count` processes over the same parameters. With one, nothing is forked and nothing waits."""

    def __init__(self, count, parameters):
        self.count, self.rank, self.children, self.statuses = count, 0, [], {}
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
        first = os.getpid()
        for rank in range(1, self.count):
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                self.help(rank, first, work)
            self.children.append(child)
        self.watch(lambda: any(self.has_failed(child) for child in self.children))

    def watch(self, is_broken):
        """Ends everybody's waiting when one is gone: nobody knows how long the others may take, or are stopped."""
        def look():
            while not self.ended.wait(GLANCE):
                if is_broken():
                    self.barrier.abort()
                    return

        self.ended = threading.Event()
        self.watcher = threading.Thread(target=look, daemon=True)
        self.watcher.start()

    def has_failed(self, child):
        """Whether a child has ended with an error; a look that found its end has taken the status with it."""
        if child not in self.statuses:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid == child:
                self.statuses[child] = status
        return self.statuses.get(child, 0) != 0

    def help(self, rank, first, work):
        code = 1
        try:
            self.rank, self.children = rank, []
            self.watch(lambda: os.getppid() != first)
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
        if self.children:
            self.ended.set()
            self.watcher.join()
        for child in self.children:
            while child not in self.statuses:
                self.has_failed(child)
                time.sleep(0.01)
        self.children, self.statuses = [], {}

    def fail(self):
        """Lets the others know that this one cannot go on."""
        if self.count > 1:
            self.barrier.abort()

    def wait(self):
        try:
            self.barrier.wait()
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
