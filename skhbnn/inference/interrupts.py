"""Ctrl-C in blocks of code whose libraries catch a KeyboardInterrupt and go on."""

import os
import signal
import threading
from contextlib import contextmanager


class _Interrupt(BaseException):
    """An interrupt that no library catches, because no library knows its name."""


@contextmanager
def interrupts_raised(looked_for=True):
    """A context in which Ctrl-C ends a block whose libraries would catch it and return a part as if it were whole.

    ``pm.fit`` and ``pm.sample`` do so. A handler of SIGINT that is not Python's own stays as it is.

    Parameters
    ----------
    looked_for : bool, default=True
        Whether the block calls what it gets every now and then, and is ended there: an error that is raised within a
        compiler's callback is lost, or ends the process. False, or a second Ctrl-C: at once.

    Yields
    ------
    look : callable
        Takes anything; raises if there was a Ctrl-C.
    """
    process, pressed = os.getpid(), False

    def look(*_):
        if pressed:
            raise _Interrupt

    def interrupt(number, frame):
        nonlocal pressed
        if os.getpid() != process:
            raise KeyboardInterrupt  # a chain in a forked process ends as ever
        at_once, pressed = pressed or not looked_for, True
        if at_once:
            raise _Interrupt

    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield look
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield look
        look()
    except BaseException:
        if not pressed:
            raise
        raise KeyboardInterrupt from None  # whatever the interrupt became on its way
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
