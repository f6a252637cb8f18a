"""A process that dies in the middle of what it does: at once, with nothing tidied up.

What changes the world outside of Python is seen by audit hooks (files, folders, tools). A file that
is made to be renamed counts when it is: before that nobody looks at it.
Who calls a library that Python does not see (librados) calls `effect()` before each change.
"""

import os
import sys
import traceback
from contextlib import contextmanager

EFFECTS = {
    "os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.truncate",
    "subprocess.Popen",
}
DIED, FAILED = 86, 87
_left = None


class Killed(BaseException):
    """Raised for a death where the test goes on: nothing of the process runs, not even a handler of
    errors."""


def effect():
    """One more change; the process that was told to die before it does."""
    global _left
    if _left is not None:
        _left -= 1
        if _left < 0:
            os._exit(DIED)


@contextmanager
def spared():
    """What is done in here is a fake's own business: nobody dies of it."""
    global _left
    left, _left = _left, None
    try:
        yield
    finally:
        _left = left


def _audit(event, args):
    if _left is None:
        return
    makes = (event == "open" and isinstance(args[2], int) and args[2] & (os.O_CREAT | os.O_TRUNC)
             and not str(args[0]).endswith(".part"))
    if event in EFFECTS or makes:
        effect()


sys.addaudithook(_audit)


def died(func, effects):
    """Whether a process of its own that calls `func()` died after so many effects; False: it came
    to its end before. What it raises fails the test."""
    global _left
    child = os.fork()
    if not child:
        code = FAILED
        try:
            _left = effects
            func()
            code = 0
        except BaseException:
            _left = None
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, DIED), f"the process ended with {code}"
    return code == DIED
