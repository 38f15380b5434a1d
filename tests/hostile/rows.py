"""Rows and labels at random, and the estimators that get them."""

import functools
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier

from .calls import outcome
from .faults import HOLES, WRONG
from .labels import ANY, KINDS
from .tables import FORMS, plain

TINY = {"hidden_layer_sizes": (2,), "chains": 1, "random_state": 0}
MODE = {**TINY, "inference": "map", "max_iter": 3}
NUTS = {**TINY, "tune": 1, "draws": 4}
SCALES = {
    "units": lambda X: X,
    "whole": np.round,
    "constant": lambda X: X * 0 + 3.3,
    "huge": lambda X: X * 1e307,
    "tiny": lambda X: X * 5e-322,
    "far": lambda X: X + 1e15,
    "zeros": lambda X: np.where(X > 0, -0.0, 0.0),
}


@functools.cache
def learned():
    """A hierarchical fit of two columns, whose groups are a prior."""
    rng = np.random.default_rng(0)
    fit = HierarchicalBNNClassifier(**NUTS).fit
    return outcome(fit, rng.normal(size=(20, 2)), np.arange(20) % 2, groups=np.arange(20) % 3).value


ESTIMATORS = {
    "flat": lambda: FlatBNNClassifier(**MODE),
    "flat, sampled": lambda: FlatBNNClassifier(**NUTS),
    "flat, ordered": lambda: FlatBNNClassifier(likelihood="ordinal", **MODE),
    "informed": lambda: InformedPriorBNNClassifier.from_hierarchical(learned()).set_params(**MODE, classes=None),
    "hierarchical": lambda: HierarchicalBNNClassifier(group_scale_prior=0.5, **MODE),
    "hierarchical, sampled": lambda: HierarchicalBNNClassifier(**NUTS),
    "per group": lambda: PerGroupClassifier(InformedPriorBNNClassifier(**MODE), fallback="prior"),
    "per group, of scikit-learn": lambda: PerGroupClassifier(LogisticRegression(max_iter=20)),
}
GROUPED = [name for name in ESTIMATORS if name.startswith(("hierarchical", "per group"))]


class Labels(NamedTuple):
    """Labels of a kind in a container: ``wrap`` makes a new one of the values, which are plain labels."""

    kind: str
    container: str

    def values(self, codes):
        return [KINDS[self.kind].label(code % 40) for code in codes]

    def wrap(self, values):
        assume(self.kind != "thousands of digits" or not self.container.startswith("polars"))  # which writes them
        try:
            labels = {**WRONG, **ANY, **KINDS[self.kind].own}[self.container](values)
            holds = self.container != "polars objects" or [*labels] == values
            holds &= self.container != "tensor" or all(np.shape(value) == () for value in values)
        except Exception:  # the library of the container does not hold these values
            holds = False
        assume(holds)
        return labels


@dataclass(frozen=True)
class Rows:
    """Rows at random: their shape, and the container of each part."""

    n_rows: int
    n_columns: int
    n_classes: int
    n_groups: int
    scale: str
    seed: int
    form: str
    hole: str
    y: Labels
    groups: Labels

    @functools.cached_property
    def codes(self):
        """X as floats of 64 bits, and codes of classes and groups."""
        rng = np.random.default_rng(self.seed)
        X = SCALES[self.scale](rng.normal(size=(self.n_rows, self.n_columns)))
        return X, *(rng.integers(0, n, self.n_rows).tolist() for n in (self.n_classes, self.n_groups))

    def matrix(self):
        """X in its container, and as plain floats, None where it has a hole."""
        X = self.codes[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that are not made for such a matrix
            try:
                if self.hole == "none":
                    return plain(FORMS[self.form], X)
                return HOLES[self.hole](X, self._hole), None
            except Exception:
                assume(False)

    def _hole(self, X, value):
        X[self.seed % len(X), self.seed % X.shape[1]] = value
        return X


def labels(containers=(), kinds=tuple(KINDS)):
    """Strategy of labels: half of them of the commonest kind and container."""
    every = [Labels(kind, c) for kind in kinds for c in (*KINDS[kind].own, *ANY, *containers)]
    return st.one_of(st.just(Labels("int", "list")), st.sampled_from(every))


def mostly(usual, others):
    return st.one_of(st.just(usual), st.just(usual), st.sampled_from([*others]))


def all_rows(n_columns=(0, 1, 2, 2, 2, 3, 17, 40), containers=tuple(WRONG)):
    """Strategy of rows."""
    return st.builds(
        Rows,
        n_rows=st.sampled_from([0, 1, 2, 3, 5, 12, 12, 12, 12, 40, 300]),
        n_columns=st.sampled_from(n_columns),
        n_classes=st.sampled_from([1, 2, 2, 2, 3, 8]),
        n_groups=st.sampled_from([1, 2, 3, 3, 12, 40]),
        scale=mostly("units", SCALES),
        seed=st.integers(0, 10**6),
        form=st.one_of(st.sampled_from(["array", "frame"]), st.sampled_from([*FORMS])),
        hole=mostly("none", ["none"] * 10 + [*HOLES]),
        y=labels(containers),
        groups=labels(containers),
    )


def ranked(values):
    """Numbers that sort as labels do, and the labels sorted; the labels themselves where they have no order."""
    try:
        parts = [part for value in values for part in (value if isinstance(value, tuple) else [value])]
        assert not any(isinstance(part, frozenset) for part in parts)
        distinct = sorted(set(values))
    except (TypeError, AssertionError):
        return values, None
    return [distinct.index(value) for value in values], distinct


def ranked_by_level(values):
    """Tuples of such numbers, level by level, and the labels sorted, where all labels are tuples of several parts."""
    ranks, ordered = ranked(values)
    sizes = {len(value) if isinstance(value, tuple) else 1 for value in values}
    if ordered is None or len(sizes) != 1 or sizes == {1} or sizes == {0}:
        return ranks, ordered
    return list(zip(*(ranked(level)[0] for level in zip(*values, strict=True)), strict=True)), ordered


def all_of(flags):
    """Whether all must be taken: False if one must not, None if one may or may not."""
    flags = [*flags]
    return False if False in flags else None if None in flags else True
