"""Rows and groups by the thousand: the cost of a gradient, and whole fits of the hierarchical model.

The gradient is that of the article's network. Fits have groups of 20 rows, and the default settings but for
`max_groups`: jointly, or with most groups fitted by themselves, under the group distribution that the others teach.
Each fit runs in a program of its own, whose peak memory is told.
"""

import json
import resource
from pathlib import Path

import numpy as np

from skhbnn import HierarchicalBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.datasets import make_rotated_moons
from skhbnn.density.density import Density
from skhbnn.model.build import hierarchical_model
from skhbnn.model.network import Network

from .common import convergence_ignored, gradient_seconds, measured_in_new_python, scores, timed

SETTINGS = {"all groups at once": {"max_groups": None}, "by default": {}, "max_groups=300": {"max_groups": 300}}
TOGETHER = "all groups at once"
MANY = (1_000, 3_000, 10_000)  # groups, most of them fitted by themselves
ROWS = (10, 30, 100, 300, 1_000, 3_000, 10_000)  # a group, 10 groups
GROUPS = (10, 30, 100, 300, 1_000, 3_000, 10_000)  # of 20 rows
PICTURE = Path(__file__).parents[1] / "docs" / "tables" / "scaling.png"
MEASURE = "import sys; from benchmarks.scaling import measure; measure(int(sys.argv[1]), sys.argv[2])"


def run():
    by_rows = [cost(10, n) for n in ROWS]  # seconds
    by_groups = [cost(n, 20) for n in GROUPS]  # seconds
    draw(by_rows, by_groups)
    rows = [
        {"figure": f"one gradient, {n_groups:,} groups of {n_rows:,} rows, µs", "value": seconds * 1e6, "wanted": "-"}
        for n_groups, n_rows, seconds in (
            *((10, n, seconds) for n, seconds in zip(ROWS, by_rows, strict=True)),
            *((n, 20, seconds) for n, seconds in zip(GROUPS, by_groups, strict=True)),
        )
    ]
    for name, sizes, seconds in (("rows", ROWS, by_rows), ("groups", GROUPS, by_groups)):
        far = slice(len(sizes) // 2, None)  # past the fixed cost of a call
        exponent = np.polyfit(np.log(sizes[far]), np.log(seconds[far]), 1)[0]
        rows.append({"figure": f"exponent of the cost in {name}", "value": float(exponent), "wanted": "1"})
    together = measured_in_new_python(MEASURE, MANY[0], TOGETHER)
    rows += rows_of_fit(together, MANY[0], TOGETHER, "-")
    return [*rows, *(row for settings in SETTINGS if settings != TOGETHER for row in by_themselves(settings))]


def rows_of_fit(fit, n_groups, settings, seconds):
    """Rows of the table of what was measured of a fit; seconds says what is wanted of them."""
    return [
        {"figure": f"{figure}, {n_groups:,} groups, {settings}", "value": value, "wanted": wanted}
        for figure, value, wanted in (
            ("seconds", fit.seconds, seconds),
            ("peak memory, GB", fit.peak / 1e9, "< 4"),
            ("test log loss", fit.loss, "-"),
        )
    ]


def by_themselves(settings):
    """Rows of the table of fits of more and more groups, most of which are fitted by themselves."""
    found = [measured_in_new_python(MEASURE, n_groups, settings) for n_groups in MANY]
    rows = []
    for n_groups, fit, seconds in zip(MANY, found, ("<= 20", "-", "<= 60"), strict=True):
        rows += rows_of_fit(fit, n_groups, settings, seconds)
    n_others, seconds = (np.array([getattr(fit, name) for fit in found]) for name in ("n_others", "seconds_of_others"))
    exponent = np.diff(np.log(seconds))[-1] / np.diff(np.log(n_others))[-1]
    for figure, value, wanted in (
        ("milliseconds a group by itself", 1e3 * seconds[-1] / n_others[-1], "<= 2"),
        ("exponent of the cost of groups by themselves", exponent, "<= 1.05"),
    ):
        rows.append({"figure": f"{figure}, {settings}", "value": float(value), "wanted": wanted})
    return rows


def cost(n_groups, n_rows):
    """Seconds of a gradient of the article's network."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_groups * n_rows, 2)), rng.integers(0, 2, n_groups * n_rows)  # (row, 2), (row,)
    data, _ = group_rows(X, y, np.repeat(np.arange(n_groups), n_rows), list(range(n_groups)))
    network = Network((2, 5, 5, 1), "tanh", False)
    model = hierarchical_model(network, "bernoulli", np.ones(3), ("partial",) * 3)
    return gradient_seconds(Density(model, data), repeats=max(2, 200_000 // (n_groups * n_rows)))


def draw(by_rows, by_groups):
    """Log-log plot of the cost of a gradient."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    ax = figure.add_subplot()
    ax.loglog(10 * np.array(ROWS), 1e6 * np.array(by_rows), "o-", label="10 groups of more and more rows")
    ax.loglog(20 * np.array(GROUPS), 1e6 * np.array(by_groups), "s-", label="more and more groups of 20 rows")
    ax.set(xlabel="rows in all", ylabel="one gradient (µs)", title="The cost of a gradient is linear in the rows")
    ax.legend()
    figure.savefig(PICTURE, dpi=150)


def measure(n_groups, settings):
    """Print seconds, peak memory and test log loss of a fit, and the seconds of the groups by themselves."""
    X, X_test, y, y_test, groups, groups_test = make_rotated_moons(n_groups=n_groups, n_samples=40, random_state=0)
    model, of_others = HierarchicalBNNClassifier(n_jobs=2, random_state=0, **SETTINGS[settings]), 0.0  # seconds
    fit_others = model._fit_by_themselves

    def clocked(*arguments):
        nonlocal of_others
        with timed() as clock:
            found = fit_others(*arguments)
        of_others = clock.seconds
        return found

    model._fit_by_themselves = clocked
    with convergence_ignored(), timed() as clock:
        model.fit(X, y, groups=groups)
    loss = scores(y_test, model.predict_proba(X_test, groups=groups_test))[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # bytes, on Linux
    found = {"seconds": clock.seconds, "peak": peak, "loss": loss}
    print(json.dumps({**found, "n_others": n_groups - len(model.learning_groups_), "seconds_of_others": of_others}))
