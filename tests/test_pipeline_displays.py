"""A pipeline or a search stands for the estimator that it ends in, in every display."""

import dataclasses

import matplotlib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, plotting

matplotlib.use("Agg")

OF_HIERARCHICAL = ["GroupMeanSurfaceDisplay", "GroupScaleDisplay", "ShrinkageDisplay"]
OF_FLAT = ["DecisionSurfaceDisplay", "UncertaintySurfaceDisplay", "WeightCorrelationDisplay"]
OF_CLASSES = ["ConfidentRowsDisplay", "ReliabilityDisplay"]
OF_NUMBERS = ["GroupResidualDisplay", "IntervalCalibrationDisplay", "PredictionBandDisplay"]
OF_OWN = {"ElboDisplay": {"inference": "advi"}, "InputRelevanceDisplay": {"prior_scale": "ard"}}
OF_INFORMED = ["PriorPosteriorDisplay"]
OF_TABLES = ["EffectDisplay", "GroupRankingDisplay"]  # of the columns that the pipeline takes


def doubled(X):
    return 2 * X


@pytest.fixture
def pipeline_of():
    """A function: a fitted estimator as the last step of a pipeline, which doubles its inputs first."""
    return lambda fitted: make_pipeline(FunctionTransformer(doubled), fitted)


def assert_equal_displays(display, expected):
    for field in dataclasses.fields(expected):
        np.testing.assert_equal(getattr(display, field.name), getattr(expected, field.name), err_msg=field.name)


def test_every_display_is_tried():
    tried = [*OF_HIERARCHICAL, *OF_FLAT, *OF_CLASSES, *OF_NUMBERS, *OF_OWN, *OF_INFORMED, *OF_TABLES]
    assert sorted(tried) == sorted(plotting.__all__)


@pytest.mark.parametrize("name", [*OF_HIERARCHICAL, *OF_FLAT, *OF_OWN, *OF_INFORMED])
def test_displays_of_a_fit(name, hierarchical, flat, informed, small, moons, pipeline_of):
    if name in OF_OWN:
        fitted = FlatBNNClassifier(**small, **OF_OWN[name])
        if name == "ElboDisplay":
            fitted.set_params(tune=1, max_iter=50)
        fitted = quiet_fit(fitted, moons.X, moons.y)
    else:
        fitted = hierarchical if name in OF_HIERARCHICAL else flat if name in OF_FLAT else informed
    from_estimator = getattr(plotting, name).from_estimator
    assert_equal_displays(from_estimator(pipeline_of(fitted)), from_estimator(fitted))


@pytest.mark.parametrize("name", [*OF_CLASSES, *OF_NUMBERS])
def test_displays_of_rows(name, flat, flat_regressor, moons, waves, pipeline_of):
    data, fitted = (moons, flat) if name in OF_CLASSES else (waves, flat_regressor)
    from_estimator, options = getattr(plotting, name).from_estimator, {}
    if name == "GroupResidualDisplay":
        options["groups"] = data.groups
    if name == "ReliabilityDisplay":
        options["name"] = "classifier"
    display = from_estimator(pipeline_of(fitted), data.X / 2, data.y, **options)
    assert_equal_displays(display, from_estimator(fitted, data.X, data.y, **options))


def test_groups_of_regressors(hierarchical_regressor, waves, pipeline_of):
    for name in OF_NUMBERS:
        from_estimator = getattr(plotting, name).from_estimator
        display = from_estimator(pipeline_of(hierarchical_regressor), waves.X / 2, waves.y, groups=waves.groups)
        assert_equal_displays(display, from_estimator(hierarchical_regressor, waves.X, waves.y, groups=waves.groups))


def test_confident_rows_are_named_by_the_column_of_groups_of_the_last_step(small, moons, pipeline_of):
    X = np.column_stack([moons.X, moons.groups])  # (row, feature and group)
    fitted = quiet_fit(HierarchicalBNNClassifier(**small, groups=2), X, moons.y)
    from_estimator = plotting.ConfidentRowsDisplay.from_estimator
    display = from_estimator(pipeline_of(fitted), X / 2, moons.y, by="std")
    assert_equal_displays(display, from_estimator(fitted, X, moons.y, by="std"))
    display = from_estimator(pipeline_of(fitted), X / 2, moons.y)
    assert display.groups == [moons.groups[row] for row in display.rows]
    assert_equal_displays(display, from_estimator(fitted, X, moons.y))


def test_a_search(small, moons):
    search = GridSearchCV(make_pipeline(FlatBNNClassifier(**small)), {"flatbnnclassifier__activation": ["relu"]}, cv=2)
    quiet_fit(search, moons.X, moons.y)
    from_estimator = plotting.WeightCorrelationDisplay.from_estimator
    assert_equal_displays(from_estimator(search), from_estimator(search.best_estimator_[-1]))


def test_a_pipeline_that_ends_in_something_else(moons):
    pipeline = make_pipeline(FunctionTransformer(doubled)).fit(moons.X)
    with pytest.raises(TypeError, match=r"DecisionSurfaceDisplay\.from_estimator needs .*, got a FunctionTransformer"):
        plotting.DecisionSurfaceDisplay.from_estimator(pipeline)
