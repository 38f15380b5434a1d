"""NUTS that stops when the predictions are good enough: the draws of a longer fit, and when it stops."""

import numpy as np
import pytest
from models import flat_model
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.density.density import Density
from skhbnn.estimators import base
from skhbnn.inference import nutpie_adapter
from skhbnn.model.network import Network
from skhbnn.posterior.diagnostics import diagnose
from skhbnn.support.libraries import import_arviz

SETTINGS = {"chains": 3, "tune": 30, "draws": 400, "seed": 3, "target_accept": 0.9, "maxdepth": 10}


@pytest.fixture(scope="module")
def easy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))  # (row, feature)
    return X, (rng.random(60) < expit(X[:, 0])).astype(int)


@pytest.fixture(scope="module")
def density(easy):
    data, _ = group_rows(*easy, np.zeros(60, int), ["all"])
    return Density(flat_model(Network((1, 2, 1), "tanh", True), np.ones(2)), data)


@pytest.mark.parametrize(("route", "cores"), [("c", 1), ("c", 2), ("c", 3), ("python", 1)])
def test_draws_are_the_first_of_each_chain_alone(route, cores, density):
    looks = []

    def enough(draws, statistics):
        looks.append([len(x) for x in draws])
        assert all(len(chain["n_steps"]) == looks[-1][0] for chain in statistics)
        return looks[-1][0] > 30 + 150

    draws, statistics = nutpie_adapter.run_until(density, enough, cores=cores, route=route, **SETTINGS)
    assert looks == [[30 + 100] * 3, [30 + 150] * 3, [30 + 225] * 3]
    seeds = np.random.SeedSequence(3).generate_state(3)  # (chain,)
    for seed, x, chain in zip(seeds, draws, statistics, strict=True):
        alone = {**SETTINGS, "chains": 1, "seed": int(seed)}
        (expected,), (expected_chain,) = nutpie_adapter.run(density, cores=1, **alone)
        np.testing.assert_array_equal(x, expected[:255])
        np.testing.assert_array_equal(chain["n_steps"], expected_chain["n_steps"][:255])


def test_never_enough_ends_at_the_cap(density):
    told: list = []
    draws, _ = nutpie_adapter.run_until(
        density, lambda *_: False, cores=2, progress=lambda *n: told.append(n), **SETTINGS
    )
    assert [len(x) for x in draws] == [430] * 3
    assert told == [(3 * (30 + n), 3 * 430) for n in (100, 150, 225, 338, 400)]


def test_error_of_a_chain_is_that_of_the_fit(density, monkeypatch):
    monkeypatch.setattr(Density, "initial_point", lambda self, seed: np.full(self.n_dim, np.nan))
    with pytest.raises(RuntimeError):
        nutpie_adapter.run_until(density, lambda *_: False, cores=2, **SETTINGS)


def test_stops_early_where_it_is_easy(easy):
    """Without a warning; with the draws of a fit of that many, whatever n_jobs is; by the error that ArviZ finds."""
    params = {"fit_intercept": False, "chains": 4, "draws": 3000, "tune": 200, "random_state": 0}
    fitted = FlatBNNClassifier((), tol=0.004, n_jobs=1, **params).fit(*easy)
    n_draws = fitted.posterior_.weights.shape[1]
    assert 100 < n_draws < 3000
    assert fitted.n_iter_ == 200 + n_draws
    diagnostics = fitted.diagnostics_
    assert diagnostics.problems() == []
    assert diagnostics.n_draws == n_draws

    params["draws"] = n_draws
    with pytest.warns(ConvergenceWarning, match=r"Monte Carlo error .* \(above tol=1e-09\) of the probability at row"):
        capped = FlatBNNClassifier((), tol=1e-9, n_jobs=2, **params).fit(*easy)
    np.testing.assert_array_equal(capped.posterior_.weights, fitted.posterior_.weights)

    arviz = import_arviz()
    proba = fitted.sample_proba(easy[0][diagnostics.probe_rows])[:, :, 1].reshape(
        4, n_draws, -1
    )  # (chain, draw, probe)
    errors = [np.asarray(arviz.mcse(proba[:, :, probe], method="mean")).item() for probe in range(proba.shape[2])]
    np.testing.assert_allclose(diagnostics.mcse, errors, rtol=0.02)  # ESS depends on last digits of probabilities
    assert max(errors) <= 0.004
    assert f"max mcse={max(diagnostics.mcse):.2g}" in repr(diagnostics)


def test_smaller_tolerance_takes_more_draws(easy):
    params = {"fit_intercept": False, "chains": 4, "draws": 3000, "tune": 200, "random_state": 0}
    coarse, fine = (FlatBNNClassifier((), tol=tol, **params).fit(*easy).posterior_.weights for tol in (0.01, 0.003))
    assert coarse.shape[1] < fine.shape[1]
    np.testing.assert_array_equal(coarse, fine[:, : coarse.shape[1]])


def test_no_draws_are_judged_twice(easy, monkeypatch):
    judged = []

    def noted(posterior, *args):
        judged.append(posterior.n_draws)
        return diagnose(posterior, *args)

    monkeypatch.setattr(base, "diagnose", noted)
    fitted = FlatBNNClassifier((), tol=0.01, chains=4, draws=3000, tune=200, random_state=0).fit(*easy)
    assert judged == sorted(set(judged))
    assert judged[-1] == fitted.posterior_.n_draws


def test_error_of_three_classes(easy):
    X = easy[0]
    y = np.searchsorted([-0.5, 0.5], X[:, 0] + 0.3 * np.sin(9 * X[:, 0]))  # (row,)
    fitted = FlatBNNClassifier((), tol=0.01, chains=4, draws=3000, tune=200, random_state=0).fit(X, y)
    arviz, rows = import_arviz(), fitted.diagnostics_.probe_rows
    proba = fitted.sample_proba(X[rows]).reshape(4, -1, len(rows), 3)  # (chain, draw, probe, class)
    errors = [
        max(np.asarray(arviz.mcse(proba[:, :, r, k], method="mean")).item() for k in range(3)) for r in range(len(rows))
    ]
    np.testing.assert_allclose(fitted.diagnostics_.mcse, errors, rtol=0.02)


def test_hard_fit_makes_all_draws(moons, capfd):
    estimator = HierarchicalBNNClassifier((3,), chains=2, tune=30, draws=120, tol=0.01, random_state=0, verbose=1)
    with pytest.warns(ConvergenceWarning, match=r"raise (chains|draws) to \d+, "):
        fitted = estimator.fit(moons.X, moons.y, groups=moons.groups)
    assert fitted.posterior_.weights.shape[:2] == (2, 120)
    out, err = capfd.readouterr()
    assert out == ""
    assert "300 of 300 draws" in err.splitlines()[-1]


def test_python_route_shows_no_bar_of_its_own(density, capfd):
    nutpie_adapter.run(density, route="python", progress=lambda *_: None, cores=1, **SETTINGS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tol": 0.01, "inference": "map"}, "tol is only for inference='nuts', and inference='map'"),
        ({"tol": 0.0}, "'tol' parameter of FlatBNNClassifier"),
    ],
)
def test_faulty_tolerance(params, message, easy):
    with pytest.raises(ValueError, match=message):
        FlatBNNClassifier((), **params).fit(*easy)
