"""Files that the programs make: whole or not at all, and never in the place of something that is no file.

output-file.h says the rules and output-file.c is the same for the programs in C.

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import errno
import os
import shutil
import stat
import tempfile

MOST_LINKS = 40  # in a row, as in Linux
NEW_MODE = 0o666
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing(path):
    """A binary file whose bytes are at `path` once the block ends without an exception. An OSError names `path`.

    What is no regular file gets them as they come.
    """
    path = os.fspath(path)
    with named(path):
        there = stat_of(path)
        whole = there is None or stat.S_ISREG(there.st_mode)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        file, part, name = beside(path, there) if whole else (into(path, 0), None, None)
    try:
        with file:
            yield file
            with named(path):
                file.flush()
                if name is None and whole:
                    put_into(path, file)
        with named(path):
            if part:
                put_in_place(part, name, path, there)
                part = None
    except OSError as error:  # of the file's own writing, which knows it as a number
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, path) from error
        raise
    finally:
        if part:
            os.unlink(part)


@contextlib.contextmanager
def named(path):
    """An OSError within is about `path`, whatever it is about."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def stat_of(path):
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def into(path, flags):
    """Whatever is there, open for writing."""
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY | flags, NEW_MODE)
    return os.fdopen(file, "wb")


def beside(path, old):
    """(open file, its name, the name that it is to have): a file beside the one that `path` means. Where none can take
    that one's place, the file has no name, and is to be copied."""
    name = follow_links(path)
    if old is not None and not os.access(path, os.W_OK, effective_ids=True):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if name is not None and (old is None or old.st_nlink == 1):
        try:
            return (*open_part(name, old), name)
        except OSError as error:
            if old is None or error.errno in FULL:
                raise
    return tempfile.TemporaryFile(), None, None


def follow_links(path):
    """Where the links that begin at `path` end: the name of a file that may not exist. None if that is one of the
    process's open files, of which /proc makes links that lead to no name."""
    for _ in range(MOST_LINKS + 1):
        if not os.path.islink(path):
            return path
        folder = os.path.dirname(path)
        if os.path.realpath(folder or ".").startswith("/proc/"):
            return None
        path = os.path.join(folder, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def open_part(name, old):
    """(open file, its name), with the mode and the owner of the file that it is to replace, if there is one."""
    number, part = tempfile.mkstemp(prefix=".cbam-", dir=os.path.dirname(os.path.abspath(name)))
    try:
        own, umask = os.fstat(number), os.umask(0)
        os.umask(umask)
        if old is not None and (own.st_uid, own.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(number, old.st_uid, old.st_gid)
        os.fchmod(number, NEW_MODE & ~umask if old is None else stat.S_IMODE(old.st_mode))
    except OSError:
        os.close(number)
        os.unlink(part)
        raise
    return os.fdopen(number, "wb"), part


def put_in_place(part, name, path, old):
    try:
        os.replace(part, name)
    except OSError:  # a mount, which cannot be replaced, can be written into
        if old is None:
            raise
        with open(part, "rb") as file:
            put_into(path, file)
        os.unlink(part)


def put_into(path, file):
    """All bytes of an open file."""
    file.seek(0)
    with into(path, os.O_TRUNC) as to:
        shutil.copyfileobj(file, to)
