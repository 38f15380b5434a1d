"""Draws that a file keeps: which ones, how exactly, and what a fit loaded from them can do."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.utils import Bunch

import skhbnn
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.persistence import keeping
from skhbnn.persistence.deviations import GroupDeviations

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def saved(tmp_path):
    """A function that saves an estimator and loads it again."""

    def there_and_back(estimator, **options):
        estimator.save(tmp_path / "fit.skhbnn", **options)
        return skhbnn.load(tmp_path / "fit.skhbnn")

    return there_and_back


@pytest.fixture
def every_fit_is_large(monkeypatch):
    monkeypatch.setattr(keeping, "EXACT_BYTES", 0)


def arrays_of(posterior):
    """Arrays with the draws of a posterior, by name."""
    names = [name for name, dims in posterior.dims.items() if dims[:2] == ("chain", "draw")]
    named = {name: getattr(posterior, name) for name in names}
    return {name: array for name, array in {**named, **posterior.sample_stats}.items() if array is not None}


# Which draws ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_draws", "per_chain"), [(1, 1), (2, 1), (3, 1), (20, 10), (21, 10), (98, 49), (50, 25)])
def test_kept_draws_are_evenly_spaced_in_every_chain(n_draws, per_chain, hierarchical):
    marks = np.arange(50) + 1000 * np.arange(2)[:, None]  # (chain, draw)
    posterior = replace(hierarchical.posterior_, sample_stats={"mark": marks})
    kept = posterior.thinned(n_draws).sample_stats["mark"]  # (chain, kept draw)
    assert kept.shape == (2, per_chain)
    np.testing.assert_array_equal(kept[1], kept[0] + 1000)
    edges = np.array([-1 - kept[0, 0], *kept[0], 99 - kept[0, -1] + 1])  # as if the chain went on, mirrored
    spacing = np.diff(edges)
    assert spacing[1:-1].min(initial=99) >= 50 // per_chain
    assert spacing[1:-1].max(initial=0) <= -(-50 // per_chain)
    assert abs(kept[0, 0] - (49 - kept[0, -1])) <= 1


def test_all_arrays_keep_the_same_draws(hierarchical, saved):
    """Exactly, and the diagnostics stay those of all draws."""
    loaded = saved(hierarchical, keep_draws=20)
    at = np.arange(2, 50, 5)  # the middle one of every five draws
    found, whole = arrays_of(loaded.posterior_), arrays_of(hierarchical.posterior_)
    assert found.keys() == whole.keys() > {"weights", "group_mean", "group_scale", "energy"}
    for name, array in found.items():
        np.testing.assert_array_equal(array, whole[name][:, at], err_msg=name)
        assert array.dtype == whole[name].dtype
    np.testing.assert_array_equal(loaded.diagnostics_.ess, hierarchical.diagnostics_.ess)
    assert (loaded.diagnostics_.n_draws, loaded.n_iter_) == (50, 100)
    assert hierarchical.posterior_.n_draws == 100  # the saved one is unchanged


def test_predictions_are_those_of_the_kept_draws(hierarchical, saved, moons):
    loaded = saved(hierarchical, keep_draws=20)
    every = hierarchical.sample_proba(moons.X_new, groups=moons.groups_new).reshape(2, 50, -1, 2)[:, 2::5]
    expected = every.reshape(20, -1, 2)  # (draw, row, class)
    rows = moons.X_new, moons.groups_new
    np.testing.assert_allclose(loaded.sample_proba(*rows), expected, rtol=1e-12)
    np.testing.assert_allclose(loaded.predict_proba(*rows), expected.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(loaded.predict_std(*rows), expected.std(axis=0), rtol=1e-9)


@pytest.mark.filterwarnings("ignore:inference='laplace' climbs")
def test_modes_keep_their_shares(moons, saved, fit_groups):
    """Draws of Laplace's approximation stand by mode, and each keeps the mode that it is linearised around."""
    fitted = fit_groups(groups=moons.groups, inference="laplace", draws=60, chains=4)
    mode = np.repeat([0, 1], [40, 20])[None]  # (chain, draw)
    weights = fitted.posterior_.weights[:1, :1] + 0.01 * mode[..., None, None].astype(np.float32)
    modes = np.stack([weights[0, 0], weights[0, -1]])  # (mode, group, weight)
    means = np.zeros((1, 60, weights.shape[-1]), np.float32)  # (chain, draw, weight)
    fitted.posterior_ = replace(
        fitted.posterior_,
        weights=weights,
        group_mean=means,
        group_scale=np.ones((1, 60, len(fitted.posterior_.learned_parts)), np.float32),
        sample_stats={"mode": mode},
        mode_weights=modes,
        mode_group_mean=np.zeros((2, weights.shape[-1]), np.float32),
    )
    kept = saved(fitted, keep_draws=6).posterior_
    assert kept.sample_stats["mode"].tolist() == [[0, 0, 0, 0, 1, 1]]
    np.testing.assert_array_equal(kept.mode_weights[kept.sample_stats["mode"]], kept.weights)


def test_chain_weights_stay(hierarchical, saved, moons):
    weighed = copy.copy(hierarchical)
    weighed.posterior_ = replace(hierarchical.posterior_, chain_weights=np.array([0.0, 1.0]))
    loaded = saved(weighed, keep_draws=20)
    assert loaded.posterior_.chain_weights.tolist() == [0, 1]
    by_chain = hierarchical.sample_proba(moons.X_new, groups=moons.groups_new).reshape(2, 50, -1, 2)
    found = loaded.predict_proba(moons.X_new, groups=moons.groups_new)
    np.testing.assert_allclose(found, by_chain[1, 2::5].mean(axis=0), rtol=1e-12)


def test_as_many_as_there_are(hierarchical, flat, saved):
    for estimator in (hierarchical, flat):
        for keep_draws in ("all", "auto", 100, np.int64(10**6)):
            kept = saved(estimator, keep_draws=keep_draws).posterior_
            np.testing.assert_array_equal(kept.weights, estimator.posterior_.weights)


@pytest.mark.parametrize("keep_draws", [0, -1, True, 2.0, "some", None, [100]])
def test_no_such_choice(keep_draws, hierarchical, tmp_path):
    with pytest.raises(ValueError, match='keep_draws must be "auto", "all" or a positive number of draws, got '):
        hierarchical.save(tmp_path / "fit.skhbnn", keep_draws=keep_draws)
    assert not list(tmp_path.iterdir())


# Large fits ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(small):
    """A fit of three classes in 30 groups, and rows of the groups and of an unseen one."""
    rng = np.random.default_rng(0)
    X, groups = rng.standard_normal((300, 2)), np.repeat(np.arange(30), 10)
    y = np.digitize(X[:, 0] + 0.5 * rng.standard_normal(30)[groups], [-0.5, 0.5])
    fitted = HierarchicalBNNClassifier(**{**small, "draws": 200})
    fitted.fit(X, y, groups=groups)
    return Bunch(fitted=fitted, rows=(rng.standard_normal((31, 2)), np.arange(31)))


def test_rounded_weights_predict_alike(many, saved, every_fit_is_large, tmp_path):
    fitted, loaded = many.fitted, saved(many.fitted)
    assert loaded.posterior_.weights.shape == fitted.posterior_.weights.shape
    assert (tmp_path / "fit.skhbnn").stat().st_size < fitted.posterior_.weights.nbytes / 3
    found, expected = (estimator.predict_proba(*many.rows) for estimator in (loaded, fitted))
    assert np.abs(found - expected)[:30].mean() < 0.003
    assert np.abs(found - expected)[:30].max() < 0.05
    np.testing.assert_array_equal(found[30], expected[30])  # the unseen group's are drawn from exact means and scales
    found, expected = (estimator.predict_std(*many.rows) for estimator in (loaded, fitted))
    assert np.abs(found - expected).mean() < 0.01
    for name in ("group_mean", "group_scale"):
        np.testing.assert_array_equal(getattr(loaded.posterior_, name), getattr(fitted.posterior_, name))


def test_shared_weights_are_exact(many, saved, every_fit_is_large):
    """Under affine pooling the weights between the hidden and the output layer are those of all groups."""
    loaded, weights = saved(many.fitted).posterior_, many.fitted.posterior_.weights
    shared = (weights == weights[:, :, :1]).all(axis=(0, 1, 2))  # (weight,)
    np.testing.assert_array_equal(loaded.weights[..., shared], weights[..., shared])
    assert (loaded.weights != weights)[..., ~shared].mean() > 0.9


def test_a_large_fit_keeps_as_many_draws_as_there_is_room(many, saved, every_fit_is_large, monkeypatch, tmp_path):
    monkeypatch.setattr(keeping, "MOST_BYTES", 150_000)
    loaded = saved(many.fitted)
    assert 100 < loaded.posterior_.n_draws < 400
    assert 150_000 < (tmp_path / "fit.skhbnn").stat().st_size < 250_000  # and the rows, the statistics and the manifest
    monkeypatch.setattr(keeping, "MOST_BYTES", 0)
    assert saved(many.fitted).posterior_.n_draws == keeping.FEWEST_DRAWS
    assert saved(many.fitted, keep_draws="all").posterior_.n_draws == 400
    np.testing.assert_array_equal(
        saved(many.fitted, keep_draws="all").posterior_.weights, many.fitted.posterior_.weights
    )


def test_error_of_fewer_draws(many, saved):
    """The probabilities change by the standard error that ``save`` documents, which is one of independent draws."""
    found, expected = (e.predict_proba(*many.rows)[:30] for e in (saved(many.fitted, keep_draws=100), many.fitted))
    error = many.fitted.predict_std(*many.rows)[:30] * np.sqrt(1 / 100 - 1 / 400)  # (row, class)
    ratio = np.sqrt(np.mean((found - expected) ** 2) / np.mean(error**2))
    assert 0.1 < ratio < 1.5


def test_what_a_loaded_fit_can_do(many, saved, every_fit_is_large, monkeypatch):
    """All that the fit could: labelled draws, the model, priors for new groups, and being saved again."""
    monkeypatch.setattr(keeping, "MOST_BYTES", 150_000)
    loaded = saved(many.fitted)
    n_draws, data = loaded.posterior_.n_draws // 2, loaded.to_arviz()
    assert data["posterior"]["weights"].shape == (2, n_draws, 30, loaded.posterior_.network.n_weights)
    assert data["log_likelihood"]["y"].shape == (2, n_draws, 300)
    assert loaded.to_pymc(fused=False).coords.keys() == many.fitted.to_pymc(fused=False).coords.keys()
    X, _ = many.rows
    prior = InformedPriorBNNClassifier.from_hierarchical(loaded)
    assert prior.fit(X[:10], np.arange(10) % 3).predict_proba(X).shape == (31, 3)
    again = saved(loaded)
    assert np.abs(again.predict_proba(*many.rows) - loaded.predict_proba(*many.rows)).mean() < 0.01


def test_large_fits_without_groups(flat, saved, every_fit_is_large, monkeypatch):
    """One network has no group mean: draws are kept exactly."""
    monkeypatch.setattr(keeping, "MOST_BYTES", 0)
    monkeypatch.setattr(keeping, "FEWEST_DRAWS", 10)
    kept = saved(flat).posterior_.weights
    np.testing.assert_array_equal(kept, flat.posterior_.weights[:, 5::10])


def test_estimators_per_group(small, moons, saved, monkeypatch):
    """Every group keeps so many draws; the limit is one for the file."""
    fitted = PerGroupClassifier(FlatBNNClassifier(**small), fallback=FlatBNNClassifier(**small), random_state=0)
    fitted.fit(moons.X, moons.y, groups=moons.groups)
    loaded = saved(fitted, keep_draws=20)
    members = [*loaded.estimators_.values(), loaded.fallback_]
    assert [member.posterior_.n_draws for member in members] == [20] * 5
    assert fitted.estimators_[0].posterior_.n_draws == fitted.fallback_.posterior_.n_draws == 100
    n_weights = fitted.fallback_.posterior_.network.n_weights
    monkeypatch.setattr(keeping, "EXACT_BYTES", 0)
    monkeypatch.setattr(keeping, "FEWEST_DRAWS", 1)
    monkeypatch.setattr(keeping, "MOST_BYTES", 30 * 5 * 4 * n_weights)
    loaded = saved(fitted)
    assert loaded.estimators_[3].posterior_.n_draws == loaded.fallback_.posterior_.n_draws == 30


# Rounding ------------------------------------------------------------------------------------------------------------

NUMBERS = st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False)


@settings(deadline=None, derandomize=True, database=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 3), st.integers(1, 9)),
        elements=NUMBERS,
    ),
    st.booleans(),
)
def test_rounding(weights, with_mean):
    """A weight is off by at most a twentieth of its distance from the centre and of the mean distance."""
    mean = weights[:, :, 0] if with_mean else np.zeros_like(weights[:, :, 0])  # (chain, draw, weight)
    coded = GroupDeviations.of(weights, mean)
    found = coded.weights(mean)
    assert (found.dtype, found.shape) == (weights.dtype, weights.shape)
    distances = (weights - mean[:, :, None])[..., coded.columns].astype(float) - coded.centre
    spread = np.abs(distances).mean(axis=(0, 1))  # (group, coded weight)
    error = np.abs(found.astype(float) - weights)[..., coded.columns]
    largest = np.abs(weights).max() + np.abs(mean).max()
    assert np.all(error <= 0.055 * np.hypot(distances, spread) + 1e-6 * largest)
    others = np.setdiff1d(np.arange(weights.shape[-1]), coded.columns)
    np.testing.assert_array_equal(found[..., others], weights[..., others])


def test_a_rare_large_draw_costs_the_others_nothing():
    rng = np.random.default_rng(0)
    weights = rng.standard_cauchy((4, 500, 3, 4)).astype(np.float32)
    mean = np.zeros((4, 500, 4), np.float32)
    found = GroupDeviations.of(weights, mean).weights(mean)
    middle = np.abs(weights) < 1
    scale = np.abs(weights).mean()
    assert np.abs(found - weights)[middle].max() < 0.2 * scale
    np.testing.assert_allclose(np.quantile(found, [0.01, 0.99]), np.quantile(weights, [0.01, 0.99]), rtol=0.2)
