"""Tables that ship with the package; the README beside them has their sources and licences."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np

from ...support.typed import Floats


def read_table(name: str) -> dict[str, list[str]]:
    """The texts of the columns of a table, by the names of the columns."""
    text = resources.files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def numbers(columns: dict[str, list[str]], names: list[str]) -> Floats:
    """Columns of numbers, (n_samples, n_names); an empty text is missing."""
    return np.array([[float(text or "nan") for text in columns[name]] for name in names]).T  # (sample, name)
