"""Memory: how much is left, an error for what needs more, and freed memory for the system."""

import ctypes
import math
import os
import sys
from pathlib import Path

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
# Of each version of Linux's control groups, which limit containers and batch jobs, by the controllers that a process
# is told of: where they are, and the files with the limit, with the usage, and the count of those bytes of the usage
# that only cache files, which the kernel gives up when it must.
CGROUP_FILES = {
    "": ("", "memory.max", "memory.current", "inactive_file"),
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")


def available_bytes():
    """Bytes of memory that this process may still take.

    Returns
    -------
    n_bytes : int or None
        The least of what the machine, the control groups of the process and its address space have left; on systems
        that do not tell what is left, the memory of the machine. None where not even that is known.
    """
    left = [_left_on_machine(), *_left_in_control_groups(), _left_in_address_space()]
    return min((max(0, n) for n in left if n is not None), default=None)


def require_memory(n_bytes, what, advice):
    """Raise an error for work that needs more memory than there is, before the system ends the process for it.

    Parameters
    ----------
    n_bytes : int
    what : str
        What needs it, the subject of the message.
    advice : str
        What to change.

    Raises
    ------
    MemoryError
        If less is available.
    """
    available = available_bytes()
    if available is not None and n_bytes > available:
        raise MemoryError(
            f"{what} would take {_text(n_bytes)} of memory, and {_text(available)} are available; {advice}."
        )


def return_freed_memory():
    """Give memory that is free back to the system; only on Linux, whose C library keeps what threads have freed.

    The chains of a fit are such threads. A worker of joblib that keeps their memory is taken for a leak, and started
    anew after every few fits.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(ctypes.c_size_t(0))


def _text(n_bytes):
    """Text of a number of bytes, in a unit that suits the number."""
    power = min(int(math.log10(max(n_bytes, 1))) // 3, len(UNITS) - 1)
    return f"{n_bytes / 1000**power:.{min(power, 1)}f} {UNITS[power]}"


def _left_on_machine():
    """Bytes that the machine has left, or has at all; None where the system does not tell."""
    try:
        fields = dict(line.split(":", 1) for line in (PROC / "meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        pass  # not Linux
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        return None


def _left_in_control_groups():
    """Bytes left under each limit on the control groups that hold the process."""
    try:
        lines = (PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if controllers not in CGROUP_FILES:
            continue
        root, limit, usage, cache = CGROUP_FILES[controllers]
        group = CGROUPS / root / path.lstrip("/")
        while group != CGROUPS.parent:
            try:
                counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
                yield int((group / limit).read_text()) - int((group / usage).read_text()) + int(counts[cache])
            except (OSError, ValueError, KeyError):
                pass  # no limit here ("max"), or the folder lies outside of a container
            group = group.parent


def _left_in_address_space():
    """Bytes of address space that ``ulimit -v`` leaves; None where there is no limit."""
    if resource is None:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int((PROC / "self" / "statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return None
    return limit - used
