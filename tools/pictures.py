"""The pictures of the displays in the docs, of simulated data: ``python tools/pictures.py [names ...]``."""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, HierarchicalBNNRegressor, InformedPriorBNNClassifier
from skhbnn.datasets import make_care_visits, make_reaction_times
from skhbnn.plotting import (
    ConfidentRowsDisplay,
    DecisionSurfaceDisplay,
    EffectDisplay,
    ElboDisplay,
    GroupMeanSurfaceDisplay,
    GroupRankingDisplay,
    GroupResidualDisplay,
    GroupScaleDisplay,
    IntervalCalibrationDisplay,
    PredictionBandDisplay,
    PriorPosteriorDisplay,
    ReliabilityDisplay,
    ShrinkageDisplay,
    UncertaintySurfaceDisplay,
    WeightCorrelationDisplay,
)

FOLDER = Path(__file__).parents[1] / "docs" / "images"
SHOWN = 6  # groups that have a panel


def displays():
    """A function that draws each display, by the name of the picture."""
    care, times = make_care_visits(n_groups=40), make_reaction_times(n_groups=12)
    X, y, village = care.data, care.target, care.groups
    classifier = HierarchicalBNNClassifier(random_state=0).fit(X, y, groups=village)
    day, reaction, person = times.data, times.target, times.groups
    regressor = HierarchicalBNNRegressor(random_state=0).fit(day, reaction, groups=person)
    largest = np.argsort(-np.bincount(village), kind="stable")[:3]  # (panel,)
    some = person < SHOWN  # (row,)
    own = village == largest[0]  # (row,)
    prior = InformedPriorBNNClassifier.from_hierarchical(classifier, random_state=0)
    variational = FlatBNNClassifier(inference="advi", random_state=0)
    return {
        "effect": lambda: EffectDisplay.from_estimator(
            regressor, day[some], feature=0, groups=person[some], by_group=True
        ),
        "group_ranking": lambda: GroupRankingDisplay.from_estimator(regressor, day, feature=0, groups=person),
        "decision": lambda: DecisionSurfaceDisplay.from_estimator(classifier, groups=largest),
        "uncertainty": lambda: UncertaintySurfaceDisplay.from_estimator(classifier, groups=largest),
        "reliability": lambda: ReliabilityDisplay.from_estimator(classifier, X, y, groups=village),
        "confident_rows": lambda: ConfidentRowsDisplay.from_estimator(classifier, X, y, groups=village, n_rows=4),
        "prediction_band": lambda: PredictionBandDisplay.from_estimator(
            regressor, day[some], reaction[some], groups=person[some]
        ),
        "interval_calibration": lambda: IntervalCalibrationDisplay.from_estimator(
            regressor, day, reaction, groups=person
        ),
        "group_residual": lambda: GroupResidualDisplay.from_estimator(regressor, day, reaction, groups=person),
        "group_mean": lambda: GroupMeanSurfaceDisplay.from_estimator(classifier),
        "group_scale": lambda: GroupScaleDisplay.from_estimator(classifier),
        "shrinkage": lambda: ShrinkageDisplay.from_estimator(classifier),
        "correlation": lambda: WeightCorrelationDisplay.from_estimator(classifier),
        "prior_posterior": lambda: PriorPosteriorDisplay.from_estimator(prior.fit(X[own], y[own]), n_weights=4),
        "elbo": lambda: ElboDisplay.from_estimator(variational.fit(X, y)),
    }


def main():
    """Draw the pictures that are named, or all, and print their paths."""
    for name, draw in displays().items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            path = FOLDER / f"{name}.png"
            draw().figure_.savefig(path, dpi=70)
            plt.close("all")
            print(path)


if __name__ == "__main__":
    main()
