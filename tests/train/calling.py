"""tools/train/train called within a test's own process, which is spared PyTorch's beginning.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

import setting


def program(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(setting.TRAIN, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


train = program("train")


def call(*arguments):
    """(what the trainer says last, None if it is content; what it printed), in this process."""
    printed = io.StringIO()
    before, sys.argv = sys.argv, ["train", *arguments]
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            train.main()
        return None, printed.getvalue()
    except SystemExit as end:
        said = end.code if isinstance(end.code, str) else printed.getvalue().strip()
        return said, printed.getvalue()
    finally:
        sys.argv = before
