"""Chains that start where a pilot run on some of the groups ended: where they start, and what a fit says of it."""

import numpy as np
import pandas as pd
import pytest
from models import random_rows

from skhbnn import HierarchicalBNNClassifier, HierarchicalBNNRegressor
from skhbnn.datasets import make_rotated_moons
from skhbnn.density.density import Density
from skhbnn.inference import nutpie_adapter, nuts, pilot
from skhbnn.inference.conditional import conditional_weights
from skhbnn.inference.methods import infer
from skhbnn.inference.trace import Settings
from skhbnn.model import build
from skhbnn.model.network import Network
from skhbnn.model.terms import Layout
from skhbnn.model.weights import group_weights

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_GROUPS = 8
SETTINGS = {"chains": 3, "tune": 50, "draws": 10}
SAMPLER = {"chains": 3, "cores": 2, "seed": 5, "target_accept": 0.8, "maxdepth": 10}


@pytest.fixture
def few(monkeypatch):
    """Eight groups are many, and a pilot run has three."""
    monkeypatch.setattr(pilot, "MANY_GROUPS", N_GROUPS)
    monkeypatch.setattr(pilot, "N_GROUPS", 3)


def density_of(name, pooling):
    n_classes = 3 if name == "ordinal" else None
    network = Network((2, 3, 1), "tanh", True)
    data = random_rows([4, 1, 7, 3, 5, 2, 6, 9], 2, name, 1, seed=1, n_classes=n_classes)
    model = build.hierarchical_model(network, name, ("ard", 1.0), pooling, "normal", n_classes=n_classes)
    return Density(model, data)


@pytest.fixture
def noted(monkeypatch):
    """What the pass over all groups was given and found, (arguments, found) of each call."""
    calls, passed = [], pilot.conditional_deviations

    def conditional_deviations(*arguments):
        calls.append((arguments, passed(*arguments)))
        return calls[-1][1]

    monkeypatch.setattr(pilot, "conditional_deviations", conditional_deviations)
    return calls


@pytest.mark.parametrize("pooling", [("affine", "partial"), ("partial", "partial"), ("complete", "partial")])
@pytest.mark.parametrize("name", ["bernoulli", "normal", "ordinal"])
def test_starts_are_where_the_pilot_ended_with_draws_of_all_groups(name, pooling, few, noted, monkeypatch):
    monkeypatch.setattr("skhbnn.support.evidence.WORSE", np.inf)
    density, ends = density_of(name, pooling), []

    def run(of_some, **settings):
        assert of_some.data.n_groups == 3
        draws, statistics = nutpie_adapter.run(of_some, **settings)
        ends.extend(group_weights(of_some.layout, x[-1].astype(float)) for x in draws)
        return draws, statistics

    starts = pilot.pilot_starts(density, 20, run, **SAMPLER)
    model, data, shared, seed, _ = noted[0][0]
    assert data.n_groups == N_GROUPS
    expected = conditional_weights(model, data, shared, seed).weights  # (chain, group, weight)
    for start, end, weights in zip(starts, ends, expected, strict=True):
        made = group_weights(density.layout, start)
        for part in ("mean", "scales", "own"):
            np.testing.assert_array_equal(getattr(made, part), getattr(end, part))
        np.testing.assert_allclose(made.weights, weights, rtol=1e-6, atol=1e-6)  # these are float32


def test_chain_in_a_worse_mode_starts_where_a_better_one_ended(few, noted):
    """By the evidence a row of the groups beside the pilot run."""
    density = density_of("bernoulli", ("affine", "partial"))
    ends, learned = (0.1, -3.0, 0.2), []  # in the second chain what groups share is far from the rows

    def run(of_some, **_):
        learned.extend(of_some.data.group_labels)
        return [np.full((1, of_some.n_dim), end) for end in ends], []

    starts = pilot.pilot_starts(density, 20, run, **SAMPLER)
    labels, data = density.data.group_labels, density.data
    others = [g for g, label in enumerate(labels) if label not in learned]
    log_evidence = noted[0][1][1][others].sum(axis=0)  # (chain,)
    per_row = (log_evidence - log_evidence.max()) / sum(np.diff(data.offsets)[others])
    is_good = per_row >= -0.015
    assert is_good.any()
    assert not is_good[1]
    assert {start[0] for start in starts} == {end for end, kept in zip(ends, is_good, strict=True) if kept}


def test_chains_start_there(few):
    density = density_of("bernoulli", ("affine", "partial"))
    starts = [np.full(density.n_dim, value) for value in (0.1, 0.3, -0.2)]
    asked: list = []

    def logp_grad(x):
        asked.append(x.copy())
        return Density.logp_grad(density, x)

    object.__setattr__(density, "logp_grad", logp_grad)  # what the Python route calls
    settings = {**SAMPLER, "cores": 1, "tune": 5, "draws": 5}
    nutpie_adapter.run_until(density, None, starts=starts, route="python", **settings)
    for start in starts:
        assert any(np.array_equal(x, start) for x in asked)
    python, _ = nutpie_adapter.run_until(density, None, starts=starts, route="python", **settings)
    compiled, _ = nutpie_adapter.run_until(density, None, starts=starts, route="c", **settings)
    np.testing.assert_array_equal(compiled, python)


@pytest.mark.parametrize("lost", [[1], [0, 1, 2]])
def test_ends_without_a_density_are_no_starts(lost, few):
    density = density_of("bernoulli", ("affine", "partial"))

    def run(of_some, chains, **_):
        x = np.zeros((chains, 1, of_some.n_dim))  # (chain, draw, n_dim)
        x[lost] = np.nan
        return list(x), []

    starts = pilot.pilot_starts(density, 20, run, **SAMPLER)
    if len(lost) == 3:
        assert starts is None
    else:
        assert np.isfinite(starts).all()


@pytest.mark.parametrize(
    ("params", "n_groups", "expected"),
    [
        ({}, 600, (60, 20)),
        ({}, 599, (0, 100)),
        ({"tune": 1000}, 600, (600, 200)),
        ({"tune": 2}, 600, (0, 2)),
        ({"pooling": "none"}, 600, (60, 20)),
        ({"random_intercepts": "item"}, 600, (0, 100)),
        ({"groups": ["outer", "inner"]}, 600, (0, 100)),
        ({"pooling": "complete"}, 600, (0, 100)),
    ],
)
def test_pilot_run_where_there_are_many_independent_groups(params, n_groups, expected, monkeypatch):
    X = pd.DataFrame({"x": np.arange(2.0 * n_groups), "inner": np.arange(2 * n_groups) // 2})
    X["outer"], X["item"] = X.inner // 10, np.arange(2 * n_groups) % 7
    model = HierarchicalBNNClassifier(**{"groups": "inner", "chains": 1, **params, "draws": 4})
    asked, tuning_steps = [], pilot.tuning_steps

    def noted(layout: Layout, tune: int):
        asked.append(tuning_steps(layout, tune))
        raise InterruptedError

    monkeypatch.setattr(pilot, "tuning_steps", noted)
    X = X.drop(columns=[name for name in ("outer", "item") if name not in str(params)])
    with pytest.raises(InterruptedError):
        model.fit(X, np.arange(2 * n_groups) % 2)
    assert asked == [expected]


@pytest.fixture(scope="module")
def moons():
    return make_rotated_moons(n_groups=N_GROUPS, n_samples=20, random_state=0)


def test_draws_depend_neither_on_n_jobs_nor_on_the_order_of_rows(moons, few):
    X, _, y, _, groups, _ = moons
    order = np.random.default_rng(0).permutation(len(y))  # (row,)
    first, second = (HierarchicalBNNClassifier(n_jobs=n, random_state=0, **SETTINGS) for n in (1, 3))
    first.fit(X, y, groups=groups)
    second.fit(X[order], y[order], groups=groups[order])
    np.testing.assert_array_equal(first.posterior_.weights, second.posterior_.weights)
    assert first.n_iter_ == 30 + 10 + 10


def test_progress_counts_the_steps_of_a_pilot_run_by_their_cost(few):
    """A step on 3 of 8 groups is 3/8 of a step: the time left is right from the start."""
    told: list = []
    density = density_of("bernoulli", ("affine", "partial"))
    settings = Settings(inference="nuts", target_accept=0.8, cores=2, max_iter=1, **SETTINGS)
    infer(density.model, density.data, settings, 0, lambda *steps: told.append(steps))
    of_pilot = round(3 * 30 * 3 / 8)
    assert {n_all for _, n_all in told} == {of_pilot + 3 * 20}
    assert {of_pilot, of_pilot + 3 * 20} <= {n_made for n_made, _ in told}
    assert max(told)[0] == of_pilot + 3 * 20


@pytest.mark.parametrize(
    ("n_groups", "tune", "near_0", "expected"),
    [
        (1, 100, True, 8),
        (200, 100, True, 8),
        (200, 200, True, 8),
        (200, 201, True, 10),
        (201, 100, True, 9),
        (800, 100, True, 9),
        (801, 100, True, 10),
        (600, 100, False, 8),
        (601, 100, False, 9),
        (2_400, 100, False, 9),
        (2_401, 100, False, 10),
        (9_601, 100, False, 10),  # no longer than those of a long run
    ],
)
def test_trajectories_of_short_runs_double_with_four_times_the_groups(n_groups, tune, near_0, expected):
    assert nuts.max_depth(n_groups, tune, near_0) == expected


def test_trajectories_of_a_short_run_are_short_but_in_the_pilot_run(few, monkeypatch):
    depths: dict = {}
    for name in ("run", "run_until"):
        original = getattr(nutpie_adapter, name)

        def noted(*arguments, original=original, name=name, **settings):
            depths[name] = settings["maxdepth"]
            return original(*arguments, **settings)

        monkeypatch.setattr(nutpie_adapter, name, noted)
    monkeypatch.setattr(nuts, "SHORT_DEPTH", 3)
    density = density_of("bernoulli", ("affine", "partial"))
    settings = Settings(inference="nuts", target_accept=0.8, cores=2, max_iter=1, **SETTINGS)
    trace = infer(density.model, density.data, settings, 0)
    assert depths == {"run": 10, "run_until": 3}
    assert trace.statistics["n_steps"].max() <= 2**3 - 1
    monkeypatch.setattr(nuts, "SHORT_RUN", SETTINGS["tune"] - 1)
    trace = infer(density.model, density.data, settings, 0)
    assert depths == {"run": 10, "run_until": 10}
    assert trace.statistics["n_steps"].max() > 2**3 - 1
    monkeypatch.setattr(nuts, "SHORT_RUN", SETTINGS["tune"])
    monkeypatch.setattr(pilot, "pilot_starts", lambda *_, **__: None)  # no end has a density: chains start near 0
    monkeypatch.setattr(nuts, "NEAR_0", N_GROUPS - 1)
    depths.clear()
    infer(density.model, density.data, settings, 0)
    assert depths == {"run": 4}


def test_tol_stops_early(few):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(N_GROUPS), 30)  # (row,)
    X = rng.normal(size=(len(groups), 1))  # (row, 1)
    y = X[:, 0] + 0.3 * rng.normal(size=N_GROUPS)[groups] + rng.normal(size=len(groups))  # (row,)
    model = HierarchicalBNNRegressor((), tol=0.1, draws=3000, tune=200, random_state=0).fit(X, y, groups=groups)
    assert model.diagnostics_.n_draws < 3000
    assert model.diagnostics_.mcse.max() <= 0.1
    assert model.n_iter_ == 160 + model.diagnostics_.n_draws
