"""Files that are written whole or not at all, and file objects beside paths."""

import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress


@contextmanager
def replaced_file(path):
    """A context with a new file, which replaces the file of a path at the end; an error leaves the old file there.

    Parameters
    ----------
    path : str or path-like
        Of a link, the file that it points to is replaced.

    Yields
    ------
    file : binary file
        To be read and written.

    Raises
    ------
    OSError
        If the file cannot be written, or the path is one of a folder or a device. It names the path as it was given.
    """
    given, path = os.fspath(path), os.path.realpath(os.fsdecode(path))
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.tmp")
    try:
        if os.path.isdir(path) or os.fsdecode(given).endswith(os.sep):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError(errno.EINVAL, "Not an ordinary file", given)
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, given) from error  # nobody knows of the temporary file
        raise


def is_binary_file(path, method):
    """Whether what a caller passes as a path is a binary file object.

    Parameters
    ----------
    path : str, path-like or binary file
    method : {"read", "write"}
        What is to be done.

    Returns
    -------
    is_file : bool

    Raises
    ------
    TypeError
        If it is neither a path nor a file object, or a file opened for text.
    """
    if isinstance(path, (str, bytes, os.PathLike)):
        return False
    if not hasattr(path, method):
        raise TypeError(f"path must be a string, a path or a binary file to {method}, got a {type(path).__name__}.")
    if hasattr(path, "encoding"):
        raise TypeError(f"path is a file opened for text; open it with mode {method[0] + 'b'!r}.")
    return True
