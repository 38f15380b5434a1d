"""Silence of the libraries beneath, whose messages are not about what the user asked for."""

import logging
import warnings
from contextlib import ExitStack, contextmanager

# Matplotlib, which ArviZ 0.23 imports, tells of its temporary folder, and PyTensor 2 that it has no BLAS to link to.
LOGGERS = "pymc", "matplotlib", "pytensor.tensor.blas"


@contextmanager
def quiet_libraries():
    """A context without PyMC's messages, and without what ArviZ and PyTensor announce when they are first used."""
    with ExitStack() as stack:
        for logger in map(logging.getLogger, LOGGERS):
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", r"\nArviZ is undergoing a major refactor", FutureWarning)
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS installation", UserWarning)
        yield
