"""Test points in the Test Anything Protocol, which meson counts one by one.

    tap = Tap()
    with tap.point("two and two"):
        assert 2 + 2 == 4
    tap.done()

SPDX-License-Identifier: LGPL-2.1-or-later
"""

import contextlib
import sys
import traceback


class Skip(Exception):
    """Raised inside a point that cannot be tried here; says why."""


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    @contextlib.contextmanager
    def point(self, name):
        """One point: passed unless its body raises."""
        self.count += 1
        try:
            yield
        except Skip as reason:
            print(f"ok {self.count} {name} # SKIP {reason}", flush=True)
        except Exception:  # an AssertionError or whatever else went wrong
            self.failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {self.count} {name}", flush=True)
        else:
            print(f"ok {self.count} {name}", flush=True)

    def done(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)
