"""What the diagnostics measure, against ArviZ and made-up draws, and what their warning says."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from models import flat_model
from scipy.signal import lfilter
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier
from skhbnn.data.rows import group_rows
from skhbnn.inference.elbo import WINDOW, has_fallen, levels
from skhbnn.inference.trace import Trace
from skhbnn.model.network import Network
from skhbnn.posterior.diagnostics import OptimizationDiagnostics, diagnose
from skhbnn.posterior.draws import Posterior
from skhbnn.support.caller import WARNINGS_PAGE
from skhbnn.support.libraries import import_arviz

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
    model = flat_model(NETWORK, np.ones(1))
    posterior = Posterior(model=model, weights=draws[:, :, None].astype(np.float32), sample_stats=stats, seed=0)
    return diagnose(posterior, data, Trace(x=draws, statistics=stats), False)


@pytest.fixture
def good_draws():
    return np.random.default_rng(1).normal(size=(4, 400, 2))  # (chain, draw, weight)


def test_independent_draws_have_no_problems(good_draws):
    diagnostics = made_up(good_draws)
    assert diagnostics.problems() == []
    # Independent draws: the effective sample size is their number, up to its own noise.
    assert np.median(diagnostics.ess) == pytest.approx(1600, rel=0.15)
    assert np.max(diagnostics.r_hat) < 1.01


def test_few_draws_of_chains_that_agree_ask_for_more_draws(good_draws):
    diagnostics = replace(made_up(good_draws), tol=0.001)
    (doubt,) = diagnostics.doubts()
    wanted = int(np.ceil(good_draws.shape[1] * (diagnostics.mcse.max() / 0.001) ** 2))
    assert doubt.endswith(f": raise draws to {wanted}, and tune likewise")


def test_a_chain_elsewhere_raises_r_hat_at_a_row(good_draws):
    good_draws[2, :, 1] += 3
    problems = made_up(good_draws).problems()
    assert len(problems) == 3
    remedy = re.fullmatch(
        r"Monte Carlo error .* of the probability at row \d+: chains disagree, so raise chains to (\d+), or make .*",
        problems[0],
    )
    assert int(remedy[1]) == np.ceil(4 * (made_up(good_draws).mcse.max() / 0.07) ** 2)
    assert re.fullmatch(r"R-hat .* \(above 1.01\) of the logit at row \d+", problems[1])
    assert problems[2].endswith("raise tune and draws")


def test_sticky_chains_have_a_small_ess():
    steps = np.random.default_rng(2).normal(size=(2, 20_000, 2))  # (chain, draw, weight)
    # Autoregression: the effective size is (1 - rho) / (1 + rho) of the draws, here 1,026, known to some 5 %.
    draws = lfilter([1], [1, -0.95], steps, axis=1)
    assert np.median(made_up(draws).ess) == pytest.approx(40_000 * 0.05 / 1.95, rel=0.25)
    assert any("ESS" in problem for problem in made_up(draws[:, :500]).problems())


def test_chains_that_never_move_are_reported():
    draws = np.broadcast_to(np.arange(4.0)[:, None, None], (4, 50, 2))  # (chain, draw, weight)
    assert any("R-hat" in problem for problem in made_up(draws).problems())


def test_bfmi_equals_arviz(good_draws):
    import xarray as xr

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
        "7 of 1600 transitions diverged (7 in chain 1)",
        "7 of 1600 trajectories reached the depth limit (7 in chain 1)",
    ]


def test_error_of_a_probability_is_the_spread_of_refits():
    """Chains in two modes: the stated error is that of the mean over chains of which each has a mode by chance."""
    rng = np.random.default_rng(0)

    def fit():
        draws = rng.normal(0, 0.1, size=(16, 50, 2))  # (chain, draw, weight)
        draws[:, :, 1] += 2 * rng.integers(0, 2, 16)[:, None]
        return draws

    x = np.sort(np.random.default_rng(0).normal(size=(30, 1)), axis=0)[15, 0]  # any row: its mean over many refits
    means = [np.mean(expit(draws[..., 0] * x + draws[..., 1])) for draws in (fit() for _ in range(300))]
    errors = [np.median(made_up(fit()).mcse) for _ in range(20)]
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.25)


def test_what_is_doubted_is_less_than_what_is_noted(good_draws):
    """R-hat, ESS, few divergences and a single chain are problems of a study of the posterior, not of predictions."""
    assert made_up(good_draws[:, :20]).problems()
    assert made_up(good_draws[:, :20]).doubts() == []
    assert made_up(good_draws[:1]).doubts() == []
    flags = np.zeros((4, 400), bool)
    flags[1] = True  # one in four
    few = made_up(good_draws, diverging=flags)
    assert few.doubts() == []
    flags[0, 0] = True
    many = made_up(good_draws, diverging=flags)
    assert (
        many.doubts()
        == many.problems()
        == ["401 of 1600 transitions diverged (400 in chain 1): raise target_accept or tune"]
    )
    good_draws[2, :, 1] += 3
    apart = made_up(good_draws)
    assert apart.doubts() == apart.problems()[:1]


def test_a_probability_that_never_changes_has_no_error(good_draws):
    draws = good_draws + np.array([0, 800])  # (chain, draw, weight): logits vary, and probabilities are 1
    np.testing.assert_array_equal(made_up(draws).mcse, 0)


def test_draws_that_are_all_equal_are_doubted(good_draws):
    """A sampler that never left its start: no error can be stated."""
    diagnostics = made_up(np.broadcast_to(good_draws[:1, :1], good_draws.shape))
    assert np.isnan(diagnostics.mcse).all()
    (doubt,) = diagnostics.doubts()
    assert doubt == 'all draws are equal, no chain moved from its start: raise tune, or set inference="nuts"'


@pytest.mark.parametrize("noise", ["normal", "heavy"])
def test_an_elbo_that_falls_is_doubted(noise):
    rng = np.random.default_rng(0)
    level = np.repeat([-300.0, -250, -240, -240, -260], WINDOW)  # (iteration,)
    width = 10 * (rng.standard_normal(level.size) if noise == "normal" else rng.standard_t(1, level.size))
    medians, errors = levels(level + width)
    np.testing.assert_allclose(medians, [-300, -250, -240, -240, -260], atol=5 * errors.max())
    if noise == "normal":  # the error of a median of normal numbers, by theory
        np.testing.assert_allclose(errors, 10 * np.sqrt(np.pi / 2 / WINDOW), rtol=0.2)
    assert has_fallen(level + width)
    assert not has_fallen((level + width)[: 4 * WINDOW])
    assert not has_fallen((level + width)[: WINDOW // 2])
    fallen = OptimizationDiagnostics(level.size, False, level + width)
    assert fallen.doubts() == ['the ELBO fell below what it had reached: the optimisation failed; set inference="nuts"']


def test_a_steady_elbo_of_heavy_tails_has_fallen_by_chance_only():
    rng = np.random.default_rng(0)
    found = [has_fallen(100 * rng.standard_t(1, 4 * WINDOW)) for _ in range(200)]
    assert not has_fallen(np.repeat([0.0, -0.9], WINDOW))  # surely, and by too little to matter
    assert np.mean(found) < 0.03  # of the highest of three windows beside the last: 3 times 0.0013, and chance


def test_warning_is_one_line_that_names_row_group_and_remedy():
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(40, 2)), np.repeat(["a", "b"], 20)  # (row, feature), (row,)
    y = (X[:, 0] > 0).astype(int)  # (row,)
    params = {"chains": 2, "tune": 20, "draws": 20, "tol": 1e-3, "random_state": 0}
    with pytest.warns(ConvergenceWarning) as caught:
        fitted = HierarchicalBNNClassifier(**params).fit(X, y, groups=groups)
    message = str(caught[0].message)
    assert "\n" not in message
    assert re.fullmatch(
        r"Predictions of this HierarchicalBNNClassifier are not to be trusted: Monte Carlo error 0\.\d+ "
        r"\(above tol=0.001\) of the probability at row \d+ \(group '[ab]'\): "
        r"(chains disagree, so )?raise (chains|draws) to \d+, .*\. See " + re.escape(WARNINGS_PAGE),
        message,
    )
    assert caught[0].filename == __file__
    (figures, words) = str(fitted.diagnostics_).splitlines()
    assert figures == repr(fitted.diagnostics_)
    assert words in message.replace(" of this HierarchicalBNNClassifier", "")
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
    assert str(fitted.diagnostics_).endswith("\nNothing that fit warns of.")


# Fits that go wrong on purpose -------------------------------------------------------------------------------------


def problems_of(estimator, *args, **kwargs):
    """The diagnostics of a fit, and their problems as one text; doubts among them are warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        diagnostics = estimator.fit(*args, **kwargs).diagnostics_
    doubts = diagnostics.doubts()
    expected = f"Predictions of this {type(estimator).__name__} are not to be trusted: {'; '.join(doubts)}."
    expected += f" See {WARNINGS_PAGE}"
    assert [str(warning.message) for warning in caught] == ([expected] if doubts else [])
    return diagnostics, "; ".join(diagnostics.problems())


@pytest.fixture(scope="module")
def funnel():
    """Few rows of opposed groups: where the group scale is small, the groups have no room."""
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(24, 1)), np.repeat(list("abcdef"), 4)  # (row, feature), (row,)
    y = (X[:, 0] * np.where(np.isin(groups, ["b", "d", "f"]), 5, -5) + rng.normal(size=24) > 0).astype(int)  # (row,)
    classifier = HierarchicalBNNClassifier(
        (), group_scale_prior="inverse_gamma", chains=2, tune=100, draws=300, target_accept=0.3, random_state=0
    )
    return classifier, *problems_of(classifier, X, y, groups=groups), X, groups


def test_funnel_diverges(funnel):
    _, diagnostics, message, *_ = funnel
    assert diagnostics.divergences.sum() > 0
    counted = f"{diagnostics.divergences.sum()} of 600 transitions diverged ({diagnostics.divergences.max()} in chain "
    assert counted in message
    assert "raise target_accept or tune" in message
    assert "of the group scale of coef_0" in message or "of the group scale of intercept_0" in message
    assert "(group '" in message


def test_predictions_and_scales_are_judged_as_arviz_does(funnel):
    """On the labelled posterior, and on the logits that its weights make: probabilities near 1 round."""
    classifier, diagnostics, _, X, groups = funnel
    arviz, rows = import_arviz(), diagnostics.probe_rows
    labelled = classifier.to_arviz()
    weights = labelled["posterior"]["weights"].sel(group=list(groups[rows])).values.astype(float)
    slope, intercept = weights[..., 0], weights[..., 1]  # (chain, draw, probe) each
    logits = (X[rows, 0] - X.mean()) / X.std() * slope + intercept  # (chain, draw, probe)
    scale = np.asarray(labelled["posterior"]["group_scale"])  # (chain, draw, part)
    for draws, r_hat, ess in (
        (logits, diagnostics.r_hat, diagnostics.ess),
        (scale, diagnostics.r_hat_group_scale, diagnostics.ess_group_scale),
    ):
        for quantity in range(draws.shape[2]):
            chains = draws[:, :, quantity].astype(float)  # (chain, draw)
            # Both depend on ranks, also of distances from the median: the last digit may exchange two of them.
            assert r_hat[quantity] == pytest.approx(arviz.rhat(chains), abs=1e-3)
            assert ess[quantity] == pytest.approx(arviz.ess(chains), rel=1e-3)
    bfmi = arviz.bfmi(labelled)
    expected = bfmi if arviz.__version__.startswith("0.") else bfmi["energy"].values
    np.testing.assert_allclose(diagnostics.bfmi, expected, rtol=0.01)  # one of them divides by n - 1


def test_equal_columns_saturate_the_tree():
    """The sum of two weights is known to a unit, their difference to 10,000: no step size suits both."""
    rng = np.random.default_rng(0)
    column = rng.normal(size=(40, 1))  # (row, 1)
    classifier = FlatBNNClassifier((), prior_scale=1e4, chains=2, tune=20, draws=10, random_state=0)
    diagnostics, message = problems_of(classifier, np.hstack([column, column]), rng.integers(0, 2, 40))
    assert diagnostics.saturated.sum() > 0
    assert f"{diagnostics.saturated.sum()} of 20 trajectories reached the depth limit" in message
    assert "raise tune, or make the prior narrower" in message


@pytest.fixture(scope="module")
def easy():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))  # (row, feature)
    return X, (X[:, 0] + rng.normal(size=60) > 0).astype(int)


def test_one_chain(easy):
    diagnostics, message = problems_of(FlatBNNClassifier((), chains=1, draws=1000, random_state=0), *easy)
    assert np.isnan(diagnostics.r_hat).all()
    assert message == "one chain cannot show whether it found all there is: set chains to 4"


def test_too_few_draws(easy):
    """Even independent draws are no more than they are."""
    _, message = problems_of(FlatBNNClassifier((), chains=4, draws=20, random_state=0), *easy)
    assert "(below 100 per chain) of the logit at row " in message
    assert "raise tune and draws" in message


def test_chains_that_never_move(moons, tmp_path):
    """All draws are equal: ArviZ then gives the number of draws as an integer, which a file must hold too."""
    settings = {"hidden_layer_sizes": (2,), "chains": 1, "tune": 1, "draws": 4, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = HierarchicalBNNClassifier(**settings).fit(np.zeros((12, 1)), np.arange(12) % 3, groups=[*"abcd"] * 3)
    diagnostics = made_up(np.zeros((1, 4, 2)))
    assert diagnostics.ess.dtype == float
    fitted.save(tmp_path / "fit")
