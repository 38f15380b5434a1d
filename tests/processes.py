"""Python processes for tests of what happens outside of this one."""

import os
import signal
import subprocess
import sys


def start(code, *options, **environment):
    """Start Python on some code, with options of the interpreter, as a process group of its own."""
    return subprocess.Popen(
        [sys.executable, *options, "-c", code],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(*processes, seconds=900):
    """The code that each process ends with, and what it printed and said; it must end by itself."""
    try:
        return [(*process.communicate(timeout=seconds), process.returncode) for process in processes]
    finally:
        for process in processes:
            with process:  # closes its pipes
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def run(code, *options, **environment):
    """Run Python on some code: what it printed, what it said, and the code that it ended with."""
    return finish(start(code, *options, **environment))[0]
