"""Types of the public interface: complete, and what mypy makes of a user's scripts with them."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from public import ENTRANCES, ESTIMATORS, PUBLIC, RECORDS, function_of
from sklearn.utils._param_validation import StrOptions

ROOT = Path(__file__).parents[1]

RIGHT = '''
import io
from collections.abc import Hashable
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn import FlatBNNRegressor, HierarchicalBNNRegressor, InformedPriorBNNRegressor, PerGroupRegressor
from skhbnn.data.rows import GroupedData
from skhbnn.data.standardizer import Standardizer
from skhbnn.datasets import make_rotated_moons
from skhbnn.inspection import EffectTable, average_comparisons, average_predictions, average_slopes
from skhbnn.model.network import Network
from skhbnn.model.terms import Model
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
from skhbnn.posterior.diagnostics import Diagnostics, OptimizationDiagnostics
from skhbnn.posterior.draws import Posterior

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Labels = NDArray[Any]

X, X_new, y, y_new, groups, groups_new = make_rotated_moons(4, n_samples=30, noise=0.2, random_state=0)
assert_type(X, Floats)
assert_type(y, NDArray[np.int64])
make_rotated_moons(random_state=np.random.RandomState(0))

# One network.
flat = FlatBNNClassifier(hidden_layer_sizes=5, activation="relu", prior_scale="fan_in", tol=0.01, random_state=0)
assert_type(flat.fit(X, y), FlatBNNClassifier)
assert_type(flat.fit([[0.5, 1], [2, 3.5]], ["a", "b"]), FlatBNNClassifier)
assert_type(flat.fit(pl.DataFrame({"a": [1.0, 2.0]}), pl.Series([0, 1])), FlatBNNClassifier)
assert_type(flat.fit(pd.DataFrame({"a": [1.0, 2.0]}), (True, False)), FlatBNNClassifier)
assert_type(flat.predict(X_new), Labels)
assert_type(flat.predict_proba(X_new), Floats)
assert_type(flat.predict_log_proba(X_new), Floats)
assert_type(flat.predict_std(X_new), Floats)
assert_type(flat.predict_uncertainty(X_new).epistemic, Floats)
assert_type(flat.predict_uncertainty(X_new)["total"], Floats)
assert_type(flat.sample_proba(X_new, n_draws=10), Floats)
assert_type(flat.score(X_new, y_new, sample_weight=[1.0] * len(y_new)), float)
assert_type(flat.classes_, Labels)
assert_type(flat.n_features_in_, int)
assert_type(flat.feature_names_in_, Labels)
assert_type(flat.n_iter_, int)
assert_type(flat.training_data_, GroupedData)
assert_type(flat.standardizer_, Standardizer)
assert_type(flat.standardizer_.transform(X), Floats)
assert_type(flat.training_data_.group_of_row, NDArray[np.int64])
assert_type(flat.to_arviz(), Any)
flat.to_pymc(fused=False)

# Groups as an argument.
hierarchical = HierarchicalBNNClassifier(
    (8, 4), pooling=["affine", "complete", "partial"], group_scale_prior=0.5, prior_scale=(1.0, 4.0), sample_kwargs={}
)
assert_type(hierarchical.fit(X, y, groups=groups), HierarchicalBNNClassifier)
labels: list[Hashable] = ["a", 1, ("b", 2), None]
assert_type(hierarchical.fit(X[:4], y[:4], labels), HierarchicalBNNClassifier)
assert_type(hierarchical.predict(X_new, groups=groups_new), Labels)
assert_type(hierarchical.predict_proba(X_new, groups_new), Floats)
assert_type(hierarchical.predict_log_proba(X_new, groups=groups_new), Floats)
assert_type(hierarchical.predict_std(X_new, groups=groups_new), Floats)
assert_type(hierarchical.predict_uncertainty(X_new, groups=groups_new).aleatoric, Floats)
assert_type(hierarchical.sample_proba(X_new, groups=groups_new, n_draws=10), Floats)
assert_type(hierarchical.score(X_new, y_new, groups=groups_new), float)
assert_type(hierarchical.groups_, Labels | None)
assert_type(hierarchical.group_columns_, list[int] | None)

# Groups as columns.
table = pl.DataFrame({"shop": ["east", "west"], "size": [1.0, 2.0]})
by_column = HierarchicalBNNClassifier(groups="shop", unseen_groups="error", pooling="partial").fit(table, [0, 1])
assert_type(by_column, HierarchicalBNNClassifier)
assert_type(by_column.predict_proba(table), Floats)
HierarchicalBNNClassifier(groups=["region", "shop"])
HierarchicalBNNClassifier(groups=0).fit([["east", 1.0], ["west", 2.0]], [0, 1])

# What a fit leaves.
posterior = hierarchical.posterior_
assert_type(posterior, Posterior)
assert_type(posterior.weights, Singles)
assert_type(posterior.group_mean, Singles | None)
assert_type(posterior.model, Model)
assert_type(posterior.network, Network)
assert_type(posterior.network.weight_names(["a", "b"]), list[str])
assert_type(posterior.n_draws, int)
assert_type(posterior.learned_parts, list[str])
assert_type(posterior.group_weights(0), Singles)
assert_type(posterior.pooled(posterior.weights), Singles)
assert_type(posterior.population_weights("new"), Singles)
assert_type(posterior.group_parameters(0), Singles)
assert_type(posterior.population_parameters("new"), Singles)
assert_type(posterior.mean_parameters(), Singles)
assert_type(posterior.log_likelihood(hierarchical.training_data_), Floats)
assert_type(posterior.of_chains([0, 1]).thinned(100), Posterior)
diagnostics = hierarchical.diagnostics_
assert_type(diagnostics.problems(), list[str])
assert_type(diagnostics.doubts(), list[str])
if isinstance(diagnostics, Diagnostics):
    assert_type(diagnostics.r_hat, Floats)
    assert_type(diagnostics.divergences, NDArray[np.integer[Any]] | None)
    assert_type(diagnostics.is_precise, bool)
else:
    assert_type(diagnostics, OptimizationDiagnostics)
    assert_type(diagnostics.pareto_k, float | None)

# Informed priors.
informed = InformedPriorBNNClassifier.from_hierarchical(hierarchical, covariance="layer", prior_chains=[0], draws=100)
assert_type(informed, InformedPriorBNNClassifier)
assert_type(informed.fit(X, y), InformedPriorBNNClassifier)
assert_type(informed.predict_proba(X), Floats)
assert_type(informed.from_posterior(hierarchical, group=("b", 2), align=False), InformedPriorBNNClassifier)
assert_type(InformedPriorBNNClassifier.from_mlp(MLPClassifier().fit(X, y), scale=0.5), InformedPriorBNNClassifier)
InformedPriorBNNClassifier(prior_mean=np.zeros(21), prior_cov=np.eye(21).tolist(), classes=["a", "b"])

# An estimator per group.
per_group = PerGroupClassifier(informed, "shop", n_jobs=2, on_error="fallback", fallback="prior", checkpoint=Path("a"))
assert_type(per_group.fit(table, [0, 1]), PerGroupClassifier)
assert_type(per_group.update(table, [0, 1]), PerGroupClassifier)
assert_type(per_group.predict_proba(table), Floats)
assert_type(per_group.failed_groups_, dict[Any, str])
PerGroupClassifier(LogisticRegression(), refit_inference="nuts", fallback=flat)

# Numbers.
line = FlatBNNRegressor((), likelihood="student_t", prior_scale=(1.0, 2.0), random_state=0)
assert_type(line.fit(X, X[:, 0]), FlatBNNRegressor)
assert_type(line.predict(X_new), Floats)
assert_type(line.predict_std(X_new), Floats)
assert_type(line.predict_quantiles(X_new, 0.5), Floats)
assert_type(line.predict_quantiles(X_new, q=[0.1, 0.9]), Floats)
assert_type(line.predict_interval(X_new, coverage=0.8), Floats)
assert_type(line.predict_uncertainty(X_new).total, Floats)
assert_type(line.sample_mean(X_new, n_draws=10), Floats)
assert_type(line.sample_predictive(X_new, 10, random_state=0), Floats)
assert_type(line.log_predictive_density(X_new, X_new[:, 0]), Floats)
assert_type(line.score(X_new, X_new[:, 0], sample_weight=[1.0] * len(X_new)), float)
assert_type(line.target_standardizer_, Standardizer)
curves = HierarchicalBNNRegressor(likelihood="poisson", groups="shop").fit(table, [0, 3])
assert_type(curves, HierarchicalBNNRegressor)
assert_type(curves.predict_quantiles(table, 0.5, groups=None), Floats)
assert_type(curves.log_predictive_density(table, [0, 3]), Floats)
assert_type(InformedPriorBNNRegressor.from_hierarchical(curves).fit(X, y), InformedPriorBNNRegressor)
assert_type(InformedPriorBNNRegressor.from_posterior(line, covariance="diag"), InformedPriorBNNRegressor)
assert_type(InformedPriorBNNRegressor.from_mlp(MLPRegressor().fit(X, y)), InformedPriorBNNRegressor)
each = PerGroupRegressor(Ridge(), "shop", fallback=line)
assert_type(each.fit(table, [0.5, 1.5]).predict(table), Floats)
assert_type(flat.log_predictive_density(X_new, y_new), Floats)

# Files.
flat.save("flat.skhbnn", keep_draws=200)
flat.save(Path("flat.skhbnn"), keep_draws="all")
with open("flat.skhbnn", "wb") as file:
    flat.save(file)
loaded: FlatBNNClassifier = skhbnn.load("flat.skhbnn")
assert_type(skhbnn.load(io.BytesIO()), Any)

# Within scikit-learn.
pipeline = make_pipeline(StandardScaler(), HierarchicalBNNClassifier(groups="shop"))
pipeline.fit(table, [0, 1]).predict_proba(table)
GridSearchCV(FlatBNNClassifier(), {"prior_scale": [1.0, 2.0]}).fit(X, y)
settings: dict[str, Any] = {"chains": 2, "draws": 100}
FlatBNNClassifier(**settings).set_params(draws=200).get_params()


class Mine(HierarchicalBNNClassifier):
    """A subclass of a user."""


assert_type(Mine().fit(X, y, groups), Mine)

# Effects.
effects = average_slopes(hierarchical, X, ["x0", 1], groups=groups, by_group=True, level=0.8)
assert_type(effects, EffectTable)
assert_type(effects.lower, Floats)
assert_type(effects.to_frame(), pd.DataFrame)
assert_type(average_predictions(flat, X, fixed={0: 1.5}).groups, Labels | None)
assert_type(average_comparisons(curves, table, "size", (1, 2)).draws, Floats)

# Displays.
surface = DecisionSurfaceDisplay.from_estimator(
    hierarchical, groups=[0, 1], features=("a", 1), fixed={"c": 1.0}, limits=((0, 1), (-1, 1)), colorbar=False
)
assert_type(surface, DecisionSurfaceDisplay)
assert_type(surface.plot(legend=False), DecisionSurfaceDisplay)
assert_type(surface.proba, Floats)
assert_type(surface.figure_, Figure)
uncertainty = UncertaintySurfaceDisplay.from_estimator(flat, quantity="epistemic", ax=list(surface.axes_))
assert_type(uncertainty.uncertainty, Floats)
assert_type(GroupMeanSurfaceDisplay.from_estimator(hierarchical), GroupMeanSurfaceDisplay)
scales = GroupScaleDisplay.from_estimator(hierarchical)
assert_type(scales.scales, Singles)
assert_type(scales.ax_, Axes)
assert_type(scales.plot(scales.ax_), GroupScaleDisplay)
relevance = InputRelevanceDisplay.from_estimator(flat)
assert_type(relevance.scales, Singles)
assert_type(relevance.input_names, list[str])
assert_type(WeightCorrelationDisplay.from_estimator(informed, source="prior").correlation, Floats)
assert_type(PriorPosteriorDisplay.from_estimator(informed, weights=[0, "a"]).weight_names, list[str])
assert_type(ElboDisplay.from_estimator(flat, window=10).smoothed, Floats)
assert_type(ReliabilityDisplay.from_estimator(hierarchical, X, y, groups=groups).ece, float)
assert_type(ReliabilityDisplay.from_predictions(y, flat.predict_proba(X)), ReliabilityDisplay)
assert_type(ShrinkageDisplay.from_estimator(hierarchical, quantity="weights").groups, Labels)
assert_type(ConfidentRowsDisplay.from_estimator(flat, X, y, by="std").values, Floats)
bands = PredictionBandDisplay.from_estimator(curves, table, y, feature="size", fixed={"age": 3})
assert_type(bands.interval, Floats)
assert_type(bands.plot(), PredictionBandDisplay)
assert_type(IntervalCalibrationDisplay.from_estimator(each, table, y, level=0.5).coverage, Floats)
assert_type(IntervalCalibrationDisplay.from_predictions([0.5, 0.2]), IntervalCalibrationDisplay)
assert_type(GroupResidualDisplay.from_estimator(line, X, y, groups=groups).groups, Labels)
effect = EffectDisplay.from_estimator(hierarchical, X, feature=0, groups=groups, by_group=True)
assert_type(effect.plot(list(effect.axes_)), EffectDisplay)
assert_type(GroupRankingDisplay.from_estimator(hierarchical, X, feature=0, values=(0, 1), groups=groups).lower, Floats)
assert_type(GroupMeanSurfaceDisplay.from_estimator(curves).mean, Floats | None)
'''

# The code of the error stands behind each line. A misspelt attribute of an estimator itself passes, and so does one
# estimator for another: their base is scikit-learn's, which is Any to mypy.
WRONG = """
import numpy as np

import skhbnn
from skhbnn import FlatBNNClassifier, FlatBNNRegressor, HierarchicalBNNClassifier, InformedPriorBNNClassifier
from skhbnn import PerGroupClassifier
from skhbnn.datasets import make_rotated_moons
from skhbnn.inspection import average_slopes
from skhbnn.plotting import DecisionSurfaceDisplay, ElboDisplay, UncertaintySurfaceDisplay
from skhbnn.plotting import IntervalCalibrationDisplay, PredictionBandDisplay

X, y, groups = np.zeros((4, 2)), np.array([0, 1, 0, 1]), ["a", "a", "b", "b"]
flat, hierarchical = FlatBNNClassifier(), HierarchicalBNNClassifier()

flat.fit(X)  # call-arg
flat.fit(3, y)  # arg-type
flat.fit(None, y)  # arg-type
flat.fit(X, {0, 1})  # arg-type
flat.fit(X, y, groups=groups)  # call-arg
flat.predict()  # call-arg
flat.predict_proba(X, groups=groups)  # call-arg
flat.sample_proba(X, n_draws="all")  # arg-type
hierarchical.fit(X, y, group=groups)  # call-arg
hierarchical.fit(X, y, groups=1)  # arg-type
hierarchical.score(X)  # call-arg

FlatBNNClassifier(hidden_layers=(5, 5))  # call-arg
FlatBNNClassifier(chains="4")  # arg-type
FlatBNNClassifier(activation="sigmoid")  # arg-type
FlatBNNClassifier(prior_scale="fan_out")  # arg-type
FlatBNNClassifier(inference="hmc")  # arg-type
HierarchicalBNNClassifier(pooling="partail")  # arg-type
HierarchicalBNNClassifier(pooling=["partial", "complet"])  # list-item
HierarchicalBNNClassifier(unseen_groups="raise")  # arg-type
PerGroupClassifier()  # call-arg
PerGroupClassifier(5)  # arg-type
PerGroupClassifier(flat, on_error="ignore")  # arg-type
FlatBNNRegressor(likelihood="gamma")  # arg-type
FlatBNNRegressor().predict_quantiles(X)  # call-arg
FlatBNNRegressor().predict_quantiles(X, "half")  # arg-type

InformedPriorBNNClassifier.from_hierarchical("fit.skhbnn")  # arg-type
InformedPriorBNNClassifier.from_hierarchical(hierarchical, covariance="diagonal")  # arg-type
InformedPriorBNNClassifier.from_posterior(flat, align="yes")  # arg-type

flat.save()  # call-arg
flat.save("flat.skhbnn", keep_draws="some")  # arg-type
skhbnn.load(1.5)  # arg-type
make_rotated_moons(noise="much")  # arg-type

flat.posterior_.weight  # attr-defined
flat.posterior_.group_mean.shape  # union-attr
flat.diagnostics_.r_hat  # union-attr
flat.predict_uncertainty(X).variance  # attr-defined
accuracy: str = flat.score(X, y)  # assignment
flat.predict_proba(X).as_table()  # attr-defined

average_slopes("model", X)  # arg-type
DecisionSurfaceDisplay.from_estimator("model")  # arg-type
DecisionSurfaceDisplay.from_estimator(flat, resolution="fine")  # arg-type
UncertaintySurfaceDisplay.from_estimator(flat, quantity="variance")  # arg-type
ElboDisplay.from_estimator(flat, windows=3)  # call-arg
PredictionBandDisplay.from_estimator(FlatBNNRegressor(), X, feature=[0])  # arg-type
IntervalCalibrationDisplay.from_estimator(FlatBNNRegressor(), X)  # call-arg
ElboDisplay.from_estimator(flat).figure  # attr-defined
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What mypy says of both scripts, by script: pairs of a line's number and the code of the error."""
    folder = tmp_path_factory.mktemp("scripts")
    for name, text in (("right", RIGHT), ("wrong", WRONG)):
        (folder / f"{name}.py").write_text(text)
    # In PYTHONPATH the package counts as installed: mypy asks for py.typed, and says nothing of the package itself.
    options = ["--strict", "--ignore-missing-imports", "--no-error-summary", "--hide-error-context", "--no-pretty"]
    command = [sys.executable, "-m", "mypy", *options, "--cache-dir", folder / "cache", "right.py", "wrong.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict = {"right": [], "wrong": []}
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(right|wrong)\.py:(\d+): error: .*\[([a-z-]+)\]", line)
        if match:
            found[match[1]].append((int(match[2]), match[3]))
        else:
            assert ": note: " in line, line
    return found


def test_a_right_script_has_no_error(said):
    assert [(RIGHT.splitlines()[number - 1], code) for number, code in said["right"]] == []


def test_mistakes_are_found(said):
    lines = [(number, line.rpartition("  # ")) for number, line in enumerate(WRONG.splitlines(), 1)]
    assert said["wrong"] == [(number, code) for number, (_, mark, code) in lines if mark]


CLASSES = [thing for thing in [*ENTRANCES, *RECORDS] if inspect.isclass(thing)]
CONSTRUCTORS = {f"{cls.__module__}.{cls.__name__}": cls.__init__ for cls in CLASSES}
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


@pytest.mark.parametrize("name", [*CONSTRUCTORS, *FUNCTIONS])
def test_everything_is_annotated(name):
    signature = inspect.signature({**CONSTRUCTORS, **FUNCTIONS}[name])
    parts = {**signature.parameters, "return": inspect.Parameter("result", 0, annotation=signature.return_annotation)}
    missing = [name for name, part in parts.items() if part.annotation is part.empty and name not in ("self", "cls")]
    assert missing == []


def is_of_type(array, hint):
    """Whether a type hint allows the dtype of an array."""
    scalars = []
    for part in (hint, *get_args(hint)):
        if get_origin(part) is np.ndarray:
            scalars.append(get_args(get_args(part)[1])[0])
        elif hasattr(get_origin(part), "__value__"):  # an alias with the type of the scalars, as NDArray of newer NumPy
            scalars += get_args(part)
    return any(scalar is Any or np.issubdtype(array.dtype, get_origin(scalar) or scalar) for scalar in scalars)


@pytest.mark.parametrize("name", ["flat", "hierarchical", "informed"])
def test_arrays_are_of_their_types(name, request, moons):
    """In the records that a fit leaves, and as results."""
    fitted = request.getfixturevalue(name)
    posterior, groups = fitted.posterior_, {"groups": moons.groups_new} if name == "hierarchical" else {}
    records = [posterior, fitted.diagnostics_, fitted.training_data_, fitted.standardizer_, *posterior.model.terms]
    results = [(method, method(0)) for method in (posterior.group_parameters, posterior.group_weights)]
    for method in (fitted.predict_proba, fitted.predict_log_proba, fitted.predict_std, fitted.sample_proba):
        results.append((method, method(moons.X_new, **groups)))
    hinted = [(get_type_hints(function_of(method))["return"], result) for method, result in results]
    for record in records:
        hinted += [(hint, getattr(record, field)) for field, hint in get_type_hints(type(record)).items()]
    arrays = [(hint, value) for hint, value in hinted if isinstance(value, np.ndarray)]
    assert len(arrays) >= 20
    assert [(hint, value.dtype) for hint, value in arrays if not is_of_type(value, hint)] == []


def strings(hint):
    """Strings that a type hint names as literals."""
    parts = [strings(part) for part in get_args(hint) if not isinstance(part, str)]
    own = set(get_args(hint)) if get_origin(hint) is Literal else set()
    return own.union(*parts)


def choices(rules):
    """Strings that scikit-learn's rules of a parameter allow."""
    return set().union(*(rule.options for rule in rules if isinstance(rule, StrOptions)))


RULES = {cls.__name__: (cls.__init__, cls._parameter_constraints) for cls in ESTIMATORS}
RULES |= {
    name: (function_of(thing), thing._skl_parameter_constraints)
    for cls in CLASSES
    for name, thing in inspect.getmembers(cls)
    if hasattr(thing, "_skl_parameter_constraints")
}


@pytest.mark.parametrize("name", RULES)
def test_literals_are_the_choices(name):
    function, rules = RULES[name]
    hints = get_type_hints(function)
    assert {name: strings(hints[name]) for name in rules} == {name: choices(rule) for name, rule in rules.items()}
