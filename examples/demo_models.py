"""Fits of the demo, counted and timed, and the table of their outcomes."""

import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn.datasets import make_rotated_moons

FLOOR = 1e-6  # least probability in a log loss, for a class that a model has never met


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of data: X (row, feature), y (row,), groups (row,)."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray

    def __getitem__(self, rows):
        return Rows(self.X[rows], self.y[rows], self.groups[rows])


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from, rows to be judged by, and all classes (class,)."""

    train: Rows
    test: Rows
    classes: np.ndarray


@dataclass(frozen=True, eq=False)
class Outcome:
    """One line of the table: the fitted models by group, and their class probabilities (row, class)."""

    title: str
    models: dict
    seconds: float
    split: Split
    train_proba: np.ndarray
    test_proba: np.ndarray

    def test_losses(self):
        """Log loss of each test row in nats, (row,)."""
        truth = np.searchsorted(self.split.classes, self.split.test.y)  # (row,)
        return -np.log(np.maximum(self.test_proba[np.arange(len(truth)), truth], FLOOR))

    def cells(self):
        """The cells of the table's line."""
        train, test = (
            f"{100 * np.mean(self.split.classes[proba.argmax(axis=1)] == rows.y):.2f}"
            for proba, rows in ((self.train_proba, self.split.train), (self.test_proba, self.split.test))
        )
        return [self.title, f"{train} / {test} %", f"{self.test_losses().mean():.3f}", f"{self.seconds:.1f}"]


class Stage:
    """The fits behind one line: counted on standard error, timed, their warnings kept."""

    def __init__(self, title, n_fits=1):
        self.title, self.n_fits = title, n_fits
        self.seconds, self.done, self.warned = 0.0, 0, []

    def fit(self, model, X, y, label=None, **params):
        """Fit the model and count it."""
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y, **params)
        self.seconds += time.perf_counter() - start
        self.done += 1
        self._show()
        of_convergence = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
        if of_convergence:
            where = "" if label is None else f"group {label}: "
            self.warned.append(where + "; ".join(str(w.message) for w in of_convergence))
        for w in caught:
            if w not in of_convergence:  # the usual filters decide
                warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
        if self.done == self.n_fits and self.warned:
            print(
                f"  {len(self.warned)} of {self.n_fits} fits warned of convergence; first: {self.warned[0]}",
                file=sys.stderr,
            )
        return model

    def _show(self):
        last, live = self.done == self.n_fits, sys.stderr.isatty()
        if live or last or self.done % 6 == 0:  # sparse where lines cannot be rewritten
            text = f"{self.title}: {self.done} of {self.n_fits} fits, {self.seconds:.1f} s"
            end = "" if live and not last else "\n"
            print(f"\r\033[K{text}" if live else text, end=end, file=sys.stderr, flush=True)


def proba_of(model, classes, X, **params):
    """Class probabilities with a column for each of classes, those the model does not know included: (row, class)."""
    proba = np.zeros((len(X), len(classes)))  # (row, class)
    if len(X):
        proba[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(X, **params)
    return proba


def fit_together(title, model, split, with_groups=False):
    """One model on all rows."""
    stage, both = Stage(title), (split.train, split.test)
    params = [{"groups": rows.groups} if with_groups else {} for rows in both]
    stage.fit(model, split.train.X, split.train.y, **params[0])
    probas = [proba_of(model, split.classes, rows.X, **p) for rows, p in zip(both, params, strict=True)]
    return Outcome(title, {None: model}, stage.seconds, split, *probas)


def fit_per_group(title, make, split):
    """A model for each group on its own; make(y) gives an unfitted one for a group's classes."""
    both, groups = (split.train, split.test), np.unique(split.train.groups)
    stage, models = Stage(title, len(groups)), {}
    probas = [np.zeros((len(rows.y), len(split.classes))) for rows in both]  # (row, class) each
    for group in groups:
        own = split.train[split.train.groups == group]
        models[group] = stage.fit(make(own.y), own.X, own.y, group)
        for rows, proba in zip(both, probas, strict=True):
            mine = rows.groups == group  # (row,)
            proba[mine] = proba_of(models[group], split.classes, rows.X[mine])
    return Outcome(title, models, stage.seconds, split, *probas)


def flat_maker(settings, classes):
    """A flat network for one group.

    Of a group that does not show all classes the network must be told them, or a test row of another class would cost
    it an infinite loss. The informed classifier takes classes=, and without a prior of its own it is the flat model.
    """
    settings = {"prior_scale": FlatBNNClassifier().prior_scale, **settings}

    def make(y):
        if len(np.unique(y)) == len(classes):
            return FlatBNNClassifier(**settings)
        return InformedPriorBNNClassifier(**settings, classes=classes)

    return make


def informed_maker(hierarchical, **options):
    """A network under the prior that a hierarchical fit learned; the prior is computed once."""
    params = InformedPriorBNNClassifier.from_hierarchical(hierarchical, **options).get_params()
    return lambda y: InformedPriorBNNClassifier(**params)


def print_table(outcomes, article=None):
    """The table, with the article's accuracies by title if any, and notes on the lines that need one."""
    lines = [["model", "train / test accuracy", "test log loss (nats)", "seconds"]]
    lines += [outcome.cells() for outcome in outcomes]
    if article:
        lines[0].append("in the article")
        for line in lines[1:]:
            line.append(article.get(line[0], "-"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    print()
    for title, *rest in lines:
        print("  ".join([title.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]))
    print("\nSeconds are those of fitting; an informed fit needs a hierarchical one before it.")
    for outcome in outcomes:
        split, notes = outcome.split, []
        floored = np.sum(outcome.test_losses() >= -np.log(FLOOR))
        if floored:
            notes.append(f"{floored} test row(s) at the greatest loss that counts, {-np.log(FLOOR):.1f} nats")
        if None not in outcome.models:
            shown = [len(np.unique(split.train.y[split.train.groups == group])) for group in outcome.models]
            few, one = sum(n < len(split.classes) for n in shown), sum(n == 1 for n in shown)
            if few:
                notes.append(f"{few} of {len(shown)} group(s) lack a class in training, {one} of them have only one")
        if notes:
            print(f"{outcome.title}: {'; '.join(notes)}.")


def warm_up(settings):
    """Compile, or load what an earlier run compiled, so that the first line of the table does not pay for it."""
    start = time.perf_counter()
    X, _, y, _, groups, _ = make_rotated_moons(2, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of few draws, which nobody uses
        tiny = HierarchicalBNNClassifier(**{**settings, "chains": 2, "tune": 50, "draws": 50})
        tiny.fit(X, y, groups=groups).predict_proba(X, groups=groups)
    print(f"sampler loaded (compiled in its first run): {time.perf_counter() - start:.1f} s", file=sys.stderr)
