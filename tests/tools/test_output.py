#!/usr/bin/env python3
"""Where the programs write: output-file.c and output.py of tools/shared/ on one table of what may stand at a path, then
the programs themselves.

    test_output.py WRITE-FILE CBAM-RUN

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from shared.need import have

from common import CONVERT, HERE, check_one_error, expect_ok, run, write_png
from tap import Skip, Tap, skip_all

if not have("numpy"):
    skip_all("needs numpy")

WRITE_FILE, CBAM_RUN = sys.argv[1:3]
MODEL = os.path.join(HERE, "..", "models", "shapes.safetensors")
WRITERS = {"C": (WRITE_FILE,), "Python": (sys.executable, os.path.join(HERE, "write_file.py"))}
OLD, NEW = b"precious", b"new " * 50_000  # more than a FIFO holds
NOBODY = 65534


# ---- What stands there ----
# Each makes `path`, and returns the path where the new bytes must be found.


def nothing(path):
    return path


def a_file(path, content=OLD):
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o640)
    return path


def a_link(path):
    os.symlink(os.path.basename(a_file(path + "-target")), path)
    return path + "-target"


def a_link_to_a_link(path):
    target = a_link(path + "-second")
    os.symlink(path + "-second", path)
    return target


def a_dangling_link(path):
    os.mkdir(path + "-folder")
    os.symlink(os.path.join(os.path.basename(path) + "-folder", "new"), path)
    return os.path.join(path + "-folder", "new")


def a_hard_link(path):
    a_file(path)
    os.link(path, path + "-other")
    return path + "-other"


def a_file_in_a_folder_that_may_not_be_written_to(path):
    """For who is not root; `path` is a link to it."""
    os.mkdir(path + "-folder")
    target = os.path.join(path + "-folder", "file")
    a_file(target)
    os.chmod(target, 0o666)
    os.chmod(path + "-folder", 0o555)
    os.symlink(target, path)
    return target


GOOD = (nothing, a_file, a_link, a_link_to_a_link, a_dangling_link, a_hard_link,
        a_file_in_a_folder_that_may_not_be_written_to)


def a_folder(path):
    os.mkdir(path)


def a_loop_of_links(path):
    os.symlink(os.path.basename(path) + "-second", path)
    os.symlink(os.path.basename(path), path + "-second")


def a_link_into_nowhere(path):
    os.symlink("nowhere/new", path)


def a_full_disk(path):
    """A node of our own: programs that do wrong as root must not get at the machine's."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
        with open(path, "wb"):
            pass
    except PermissionError:  # who may not make nodes may not replace the machine's
        if os.path.lexists(path):
            os.unlink(path)
        if os.geteuid() == 0:
            raise Skip("no device nodes here") from None
        os.symlink("/dev/full", path)


def a_file_that_may_not_be_written_to(path):
    os.chmod(a_file(path), 0o444)


BAD = {a_folder: "Is a directory", a_loop_of_links: "Too many levels", a_link_into_nowhere: "No such file",
       a_full_disk: "No space left", a_file_that_may_not_be_written_to: "Permission denied"}


def write(writer, path, **options):
    return subprocess.run([*writer, path], input=NEW, capture_output=True, timeout=60, check=False, **options)


def like_a_user(function):
    """Who is root may write anywhere; then it is tried as nobody."""
    if os.geteuid() or not function.__name__.endswith("may_not_be_written_to"):
        return {}
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    if subprocess.run(["test", "-r", __file__, "-a", "-x", WRITE_FILE], check=False, **nobody).returncode:
        raise Skip("nobody may not read this folder")
    return nobody


def snapshot(folder):
    return sorted(os.path.join(place, name) for place, folders, files in os.walk(folder) for name in folders + files)


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def test_good(tap, folder, label, writer):
    for number, make in enumerate(GOOD):
        with tap.point(f"{label}: {make.__name__.replace('_', ' ')}"):
            path = os.path.join(folder, f"{label}-{number}")
            target = make(path)
            before, kind = snapshot(folder), os.path.islink(path)
            old = os.stat(target) if os.path.exists(target) else None
            process = write(writer, path, **like_a_user(make))
            assert process.returncode == 0, process.stderr
            assert content_of(target) == NEW and os.path.islink(path) == kind
            new = os.stat(target)
            assert sorted({*before, target}) == snapshot(folder), "something was left"
            if old:
                assert (new.st_mode, new.st_uid, new.st_gid) == (old.st_mode, old.st_uid, old.st_gid)
                replaced = old.st_nlink == 1 and os.access(os.path.dirname(target), os.W_OK) and not like_a_user(make)
                assert (new.st_ino != old.st_ino) == replaced, "one step where it can be, the same file where not"
            else:
                umask = os.umask(0)
                os.umask(umask)
                assert stat.S_IMODE(new.st_mode) == 0o666 & ~umask


def test_bad(tap, folder, label, writer):
    for number, (make, words) in enumerate(BAD.items()):
        with tap.point(f"{label}: refused: {make.__name__.replace('_', ' ')}"):
            path = os.path.join(folder, f"{label}-bad-{number}")
            make(path)
            before = snapshot(folder)
            process = write(writer, path, **like_a_user(make))
            error = process.stderr.decode()
            assert process.returncode == 1 and len(error.splitlines()) == 1, error
            assert path in error and words in error, error
            assert snapshot(folder) == before
            if make is a_file_that_may_not_be_written_to:
                assert content_of(path) == OLD


def read_all(path, into):
    into.append(content_of(path))


def test_nodes(tap, folder, label, writer):
    with tap.point(f"{label}: into a FIFO"):
        path, got = os.path.join(folder, f"{label}-fifo"), []
        os.mkfifo(path)
        reader = threading.Thread(target=read_all, args=(path, got), daemon=True)
        reader.start()
        assert write(writer, path).returncode == 0
        reader.join(30)
        assert got == [NEW] and stat.S_ISFIFO(os.lstat(path).st_mode)
    with tap.point(f"{label}: into a device node, and a link to one"):
        node, link = os.path.join(folder, f"{label}-null"), os.path.join(folder, f"{label}-null-link")
        os.symlink(node, link)
        try:
            os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError as error:
            raise Skip("device nodes are for root") from error
        for path in (node, link):
            process = write(writer, path)
            if b"ermi" in process.stderr:  # a file system without devices
                raise Skip(process.stderr.decode())
            assert process.returncode == 0 and stat.S_ISCHR(os.stat(path).st_mode) and os.path.islink(link)
    for kind in ("pipe", "file"):
        with tap.point(f"{label}: into standard output, a {kind}"):
            path, link = (os.path.join(folder, f"{label}-{name}") for name in ("stdout", "stdout-link"))
            if kind == "pipe":
                os.symlink("/proc/self/fd/1", link)
                process = write(writer, link)
                assert process.returncode == 0 and process.stdout == NEW, process.stderr
                continue
            with open(path, "wb") as file:
                process = subprocess.run([*writer, link], input=NEW, stdout=file, timeout=60, check=True)
                assert os.fstat(file.fileno()).st_ino == os.stat(path).st_ino and content_of(path) == NEW
    with tap.point(f"{label}: a mount, which cannot be replaced"):
        path, other = (a_file(os.path.join(folder, f"{label}-{name}")) for name in ("mount", "mounted"))
        script = 'mount --bind "$1" "$2" && path=$2 && shift 2 && "$@" "$path"'
        process = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", other, path, *writer], input=NEW,
                                 capture_output=True, timeout=60, check=False)
        if process.returncode and process.stderr.startswith((b"unshare:", b"mount:")):
            raise Skip("no mounts here")
        assert process.returncode == 0, process.stderr
        assert content_of(other) == NEW and content_of(path) == OLD


def expect_file(command, path):
    expect_ok(run(*command(path)))
    return path


def test_programs(tap, folder):
    picture = write_png(os.path.join(folder, "picture.png"), 64, 48)
    commands = {"cbam-run -o": lambda path: (CBAM_RUN, "-m", MODEL, "--json", "-o", path, picture),
                "tools/convert": lambda path: (CONVERT, os.path.join(folder, "source"), path)}
    expect_ok(run(sys.executable, os.path.join(HERE, "fake_source.py"), os.path.join(folder, "source")))
    for label, command in commands.items():
        with tap.point(f"{label}: a link stays, and so does what it points to"):
            path = os.path.join(folder, label.split()[-1].replace("/", "-"))
            target = a_link(path)
            expect_ok(run(*command(path)))
            assert os.path.islink(path) and os.path.getsize(target) > len(OLD)
            assert stat.S_IMODE(os.stat(target).st_mode) == 0o640
        if command is commands["tools/convert"]:
            with tap.point("tools/convert to standard output: the model and nothing else"):
                link = path + "-stdout"  # as /dev/stdout is one
                os.symlink("/proc/self/fd/1", link)
                with open(path, "wb") as file:
                    process = subprocess.run(command(link), stdout=file, stderr=subprocess.PIPE, check=True)
                assert content_of(path) == content_of(expect_file(command, path + "-again")) and process.stderr
        with tap.point(f"{label}: a full disk is one error"):
            full = path + "-full"
            a_full_disk(full)
            process = run(*command(full))
            process.stdout = ""  # cbam-run has found things by then
            check_one_error(process, f"'{full}'", "No space left")
            assert stat.S_ISCHR(os.stat(full).st_mode)
    with tap.point("standard output that takes nothing is one error"):
        with open("/dev/full", "wb") as full:
            process = subprocess.run([CBAM_RUN, "--version"], stdout=full, stderr=subprocess.PIPE, text=True,
                                     check=False)
        process.stdout = ""
        check_one_error(process, "cbam-run: cannot write to standard output")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        for label, writer in WRITERS.items():
            test_good(tap, folder, label, writer)
            test_bad(tap, folder, label, writer)
            test_nodes(tap, folder, label, writer)
        test_programs(tap, folder)
        for place, _, _ in os.walk(folder):
            os.chmod(place, 0o755)
        shutil.rmtree(folder)
        os.mkdir(folder)
    tap.done()


if __name__ == "__main__":
    main()
