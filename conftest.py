"""Pytest settings that concern the package's own docstrings."""

import pytest


def pytest_collection_modifyitems(items):
    """Let the short fits of examples in docstrings stop before they converge."""
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker(pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"))
