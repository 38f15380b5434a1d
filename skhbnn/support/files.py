"""Files that are written whole or not at all."""

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
        If the file cannot be written.
    """
    path = os.path.realpath(os.fsdecode(path))
    temporary = os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
