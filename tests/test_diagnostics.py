"""What the diagnostics measure, against ArviZ and made-up draws, and what their warning says."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier
from skhbnn.data import group_rows
from skhbnn.diagnostics import diagnose
from skhbnn.inference.trace import Trace
from skhbnn.model.network import Network
from skhbnn.model.priors import FlatModel
from skhbnn.posterior import Posterior

NETWORK = Network((1, 1), "tanh", True)


def made_up(draws, energy=None, **flags):
    """Diagnostics of draws (chain, draw, weight) of one logistic regression on 30 rows."""
    shape, rng = draws.shape[:2], np.random.default_rng(0)
    stats = {
        "diverging": np.zeros(shape, bool),
        "reached_max_treedepth": np.zeros(shape, bool),
        "energy": rng.normal(size=shape) if energy is None else energy,
        "n_steps": np.ones(shape, int),
        **flags,
    }
    data, _ = group_rows(rng.normal(size=(30, 1)), rng.integers(0, 2, 30), np.zeros(30, int), ["all"])
    model = FlatModel(NETWORK, np.ones(1))
    posterior = Posterior(model, draws[:, :, None].astype(np.float32), None, None, stats, 0)
    return diagnose(posterior, data, Trace(draws, stats), False)


@pytest.fixture
def good_draws():
    return np.random.default_rng(1).normal(size=(4, 400, 2))  # (chain, draw, weight)


def test_independent_draws_have_no_problems(good_draws):
    diagnostics = made_up(good_draws)
    assert diagnostics.problems() == []
    # Independent draws: the effective sample size is their number, up to its own noise.
    assert np.median(diagnostics.ess) == pytest.approx(1600, rel=0.15)
    assert np.max(diagnostics.r_hat) < 1.01


def test_a_chain_elsewhere_raises_r_hat_at_a_row(good_draws):
    good_draws[2, :, 1] += 3
    problems = made_up(good_draws).problems()
    assert len(problems) == 2
    assert problems[0].startswith("R-hat ")
    assert "of the logit at row " in problems[0]
    assert problems[1].endswith("raise tune and draws")


def test_sticky_chains_have_a_small_ess():
    steps = np.random.default_rng(2).normal(size=(2, 500, 2))  # (chain, draw, weight)
    draws = np.zeros_like(steps)
    for t in range(1, 500):  # autoregression: the effective size is (1 - rho) / (1 + rho) of the draws
        draws[:, t] = 0.95 * draws[:, t - 1] + steps[:, t]
    diagnostics = made_up(draws)
    assert np.median(diagnostics.ess) == pytest.approx(1000 * 0.05 / 1.95, rel=0.8)
    assert any("ESS" in problem for problem in diagnostics.problems())


def test_chains_that_never_move_are_reported():
    draws = np.broadcast_to(np.arange(4.0)[:, None, None], (4, 50, 2))  # (chain, draw, weight)
    assert any("R-hat" in problem for problem in made_up(draws).problems())


def test_bfmi_equals_arviz(good_draws):
    import xarray as xr

    from skhbnn.conversion import import_arviz

    arviz = import_arviz()
    energy = np.random.default_rng(3).normal(size=(4, 400)).cumsum(axis=1)  # (chain, draw): slow energy
    diagnostics = made_up(good_draws, energy)
    if arviz.__version__.startswith("0."):
        expected = arviz.bfmi(energy)
    else:
        tree = xr.DataTree.from_dict({"sample_stats": xr.Dataset({"energy": (("chain", "draw"), energy)})})
        expected = arviz.bfmi(tree)["energy"].values
    np.testing.assert_allclose(diagnostics.bfmi, expected, rtol=0.01)
    assert any("BFMI of chain" in problem for problem in diagnostics.problems())


def test_divergences_and_saturation_are_counted(good_draws):
    flags = np.zeros((4, 400), bool)
    flags[1, :7] = True
    problems = made_up(good_draws, diverging=flags, reached_max_treedepth=flags).problems()
    assert [problem.split(":")[0] for problem in problems] == [
        "7 of 1600 transitions diverged",
        "7 trajectories reached the depth limit",
    ]


def test_warning_is_one_line_that_names_row_group_and_remedy():
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(40, 2)), np.repeat(["a", "b"], 20)  # (row, feature), (row,)
    y = (X[:, 0] > 0).astype(int)  # (row,)
    with pytest.warns(ConvergenceWarning) as caught:
        fitted = HierarchicalBNNClassifier(chains=2, tune=20, draws=20, random_state=0).fit(X, y, groups=groups)
    message = str(caught[0].message)
    assert "\n" not in message
    assert message.startswith("HierarchicalBNNClassifier may not have converged")
    assert "(group 'a')" in message or "(group 'b')" in message
    assert "raise tune and draws" in message
    assert caught[0].filename == __file__
    row = fitted.diagnostics_.probe_rows
    assert [groups[r] for r in row] == fitted.diagnostics_.probe_groups


def test_an_easy_fit_does_not_warn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))  # (row, feature)
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)  # (row,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = FlatBNNClassifier((), draws=1000, random_state=0).fit(X, y)
    assert np.max(fitted.diagnostics_.r_hat) < 1.01
