"""The pictures in the docs of the displays, of simulated data: ``python tools/pictures.py [names ...]``."""

import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from skhbnn import (
    FlatBNNClassifier,
    FlatBNNRegressor,
    HierarchicalBNNClassifier,
    HierarchicalBNNRegressor,
    InformedPriorBNNClassifier,
)
from skhbnn.datasets import make_care_visits, make_reaction_times, make_rotated_moons
from skhbnn.plotting import (
    ConfidentRowsDisplay,
    DecisionSurfaceDisplay,
    EffectDisplay,
    ElboDisplay,
    GroupMeanSurfaceDisplay,
    GroupRankingDisplay,
    GroupResidualDisplay,
    GroupScaleDisplay,
    InputRelevanceDisplay,
    IntervalCalibrationDisplay,
    PredictionBandDisplay,
    PriorPosteriorDisplay,
    ReliabilityDisplay,
    ShrinkageDisplay,
    UncertaintySurfaceDisplay,
    WeightCorrelationDisplay,
)

FOLDER = Path(__file__).parents[1] / "docs" / "images"
DPI = 100  # of a picture


def visits():
    """Rows that train and rows that test of 40 villages: a table with a column of groups, and classes."""
    data = make_care_visits(n_groups=40)
    X, y = _table(data, "village"), pd.Series(data.target, name="visit")
    trains = np.arange(len(y)) % 2 == 0  # (row,), sorted by village
    return X[trains], y[trains], X[~trains], y[~trains]


def times():
    """Rows that train and rows that test of 30 persons: a table with a column of groups, and times."""
    data = make_reaction_times(n_groups=30)
    X, y = _table(data, "person"), pd.Series(data.target, name="time in ms")
    trains = np.random.default_rng(0).random(len(y)) < 0.7  # (row,)
    return X[trains], y[trains], X[~trains], y[~trains]


def _table(data, group):
    return pd.DataFrame(data.data, columns=data.feature_names).assign(**{group: data.groups})


@cache
def of_visits():
    """Hierarchical fit of the visits."""
    X, y, _, _ = visits()
    return HierarchicalBNNClassifier(groups="village", random_state=0).fit(X, y)


@cache
def of_times():
    """Hierarchical fit of the times."""
    days, time, _, _ = times()
    return HierarchicalBNNRegressor(groups="person", target_accept=0.95, random_state=0).fit(days, time)


def displays():
    """A function that draws each display, by the name of the picture."""
    X, y, X_test, y_test = visits()
    days, time, days_test, time_test = times()
    largest = X["village"].value_counts().index[:3].tolist()  # (panel,)
    six, twelve = days["person"] < 6, days["person"] < 12  # (row,) each
    no_groups = X.drop(columns="village")
    own = X["village"] == largest[0]  # (row,)

    def of_quickstart():
        points, _, bought, _, shop, _ = make_rotated_moons(n_groups=8, random_state=0)
        known = shop < 6  # (row,)
        rows = pd.DataFrame(points[known], columns=["price", "age"])
        fitted = HierarchicalBNNClassifier((5,), random_state=0).fit(rows, bought[known], groups=shop[known])
        return DecisionSurfaceDisplay.from_estimator(fitted)

    def new_village():
        prior = InformedPriorBNNClassifier.from_hierarchical(of_visits(), random_state=0)
        return PriorPosteriorDisplay.from_estimator(prior.fit(no_groups[own], y[own]), n_weights=4)

    def one_curve_for_all():
        flat = FlatBNNRegressor(random_state=0).fit(days[["day"]], time)
        rows = days[twelve]
        return GroupResidualDisplay.from_estimator(flat, rows[["day"]], time[twelve], groups=rows["person"])

    def relevance():
        noise = np.random.default_rng(0).normal(size=len(X))  # (row,)
        flat = FlatBNNClassifier(prior_scale="ard", random_state=0)
        return InputRelevanceDisplay.from_estimator(flat.fit(no_groups.assign(noise=noise), y))

    def small_network():
        return WeightCorrelationDisplay.from_estimator(FlatBNNClassifier((3,), random_state=0).fit(no_groups, y))

    def variational():
        return ElboDisplay.from_estimator(FlatBNNClassifier(inference="advi", random_state=0).fit(no_groups, y))

    return {
        "quickstart": of_quickstart,
        "effect": lambda: EffectDisplay.from_estimator(of_times(), days[six], by_group=True),
        "group_ranking": lambda: GroupRankingDisplay.from_estimator(of_times(), days[twelve], feature="day"),
        "decision": lambda: DecisionSurfaceDisplay.from_estimator(of_visits(), groups=largest),
        "uncertainty": lambda: UncertaintySurfaceDisplay.from_estimator(of_visits(), groups=largest),
        "reliability": lambda: ReliabilityDisplay.from_estimator(of_visits(), X_test, y_test),
        "confident_rows": lambda: ConfidentRowsDisplay.from_estimator(of_visits(), X_test, y_test, n_rows=4),
        "prediction_band": lambda: PredictionBandDisplay.from_estimator(of_times(), days[six], time[six]),
        "interval_calibration": lambda: IntervalCalibrationDisplay.from_estimator(of_times(), days_test, time_test),
        "group_residual": one_curve_for_all,
        "group_mean": lambda: GroupMeanSurfaceDisplay.from_estimator(of_visits()),
        "group_scale": lambda: GroupScaleDisplay.from_estimator(of_visits()),
        "input_relevance": relevance,
        "shrinkage": lambda: ShrinkageDisplay.from_estimator(of_visits()),
        "correlation": small_network,
        "prior_posterior": new_village,
        "elbo": variational,
    }


def save(figure, path):
    """Write a figure as a PNG of 256 colours, a quarter of the size of one of all."""
    whole = BytesIO()
    figure.savefig(whole, dpi=DPI)
    few = Image.open(whole).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4)
    few.save(path, optimize=True)


def main():
    """Draw the pictures that are named, or all, and print their paths."""
    for name, draw in displays().items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            path = FOLDER / f"{name}.png"
            save(draw().figure_, path)
            plt.close("all")
            print(path)


if __name__ == "__main__":
    main()
