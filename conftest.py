"""Pytest settings of the whole suite."""

import os
import sys

import pytest

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # read when NumPy is loaded: as many processes test as there are cores

collect_ignore_glob = ["docs/*.py", "docs/gallery/*"]  # collecting them for doctests would run the gallery


def pytest_addoption(parser):
    """Add the option of the long comparison with PyMC."""
    parser.addoption("--full-grid", action="store_true", help="compare all combinations of priors with PyMC (an hour)")


def pytest_collection_modifyitems(items):
    """Let the short fits of examples in docstrings stop before they converge."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"))


@pytest.fixture(autouse=True)
def _close_figures():
    """Close the figures of a test or an example behind it, where any were drawn."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
