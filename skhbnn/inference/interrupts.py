"""Ctrl-C during code that keeps a KeyboardInterrupt to itself."""

import os
import signal
import threading
from contextlib import contextmanager


class _Interrupt(BaseException):
    """A KeyboardInterrupt by a name that nobody else catches."""


@contextmanager
def interrupts_raised():
    """Let Ctrl-C end a block that would catch it and give what it has, as if it were whole.

    ``pm.fit`` and ``pm.sample`` do so. A handler of SIGINT that is not Python's own stays as it is.
    """
    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    process = os.getpid()

    def interrupt(number, frame):
        raise _Interrupt if os.getpid() == process else KeyboardInterrupt  # a chain in a forked process ends as ever

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except _Interrupt:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
