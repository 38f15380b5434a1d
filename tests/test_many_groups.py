"""Fits of which some groups are fitted by themselves, and fits that learn more rows and groups, or forget some."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import skhbnn
from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, HierarchicalBNNRegressor, InformedPriorBNNClassifier
from skhbnn.data.subsets import some_groups
from skhbnn.datasets import make_rotated_moons
from skhbnn.inference import group_batches
from skhbnn.inference.conditional import conditional_weights
from skhbnn.model import likelihoods
from skhbnn.posterior.of_groups import with_groups
from skhbnn.posterior.stacking import without_worse_chains
from skhbnn.support import memory
from skhbnn.support.libraries import import_arviz

N_GROUPS, MOST = 12, 6
SETTINGS = {"hidden_layer_sizes": (3,), "chains": 2, "tune": 60, "draws": 120, "standardize": False, "random_state": 0}


@pytest.fixture(scope="module")
def rows():
    X, X_new, y, _, groups, groups_new = make_rotated_moons(n_groups=N_GROUPS, n_samples=24, random_state=1)
    return X, y, groups, X_new, groups_new


@pytest.fixture(scope="module")
def some_fitted(rows):
    """A fit that learned from half of the groups."""
    X, y, groups, *_ = rows
    return quiet_fit(HierarchicalBNNClassifier(max_groups=MOST, **SETTINGS), X, y, groups=groups)


def weights_of(fitted, label):
    return fitted.posterior_.weights[:, :, fitted.training_data_.group_labels.index(label)]


def others_of(fitted):
    return np.setdiff1d(fitted.groups_, fitted.learning_groups_)


def assert_equal_posteriors(first, second):
    for name in ("weights", "group_mean", "group_scale"):
        np.testing.assert_array_equal(getattr(first.posterior_, name), getattr(second.posterior_, name))


def test_learning_groups_are_those_of_a_joint_fit_of_them(rows, some_fitted):
    X, y, groups, *_ = rows
    of_them = np.isin(groups, some_fitted.learning_groups_)
    joint = quiet_fit(HierarchicalBNNClassifier(max_groups=None, **SETTINGS), X[of_them], y[of_them], groups[of_them])
    thinned = joint.posterior_.thinned(200)
    assert len(some_fitted.learning_groups_) == MOST
    np.testing.assert_array_equal(some_fitted.posterior_.group_mean, thinned.group_mean)
    for code, label in enumerate(joint.groups_.tolist()):
        np.testing.assert_array_equal(weights_of(some_fitted, label), thinned.weights[:, :, code])
    np.testing.assert_array_equal(np.isnan(some_fitted.group_pareto_k_), np.isin(some_fitted.groups_, joint.groups_))
    np.testing.assert_array_equal(some_fitted.diagnostics_.ess, joint.diagnostics_.ess)
    assert set(groups[some_fitted.diagnostics_.probe_rows]) <= set(joint.groups_.tolist())


def test_as_many_groups_as_allowed_are_a_joint_fit(rows):
    X, y, groups, *_ = rows
    few = groups < MOST
    fits = [
        quiet_fit(HierarchicalBNNClassifier(max_groups=most, **SETTINGS), X[few], y[few], groups=groups[few])
        for most in (MOST, None)
    ]
    assert_equal_posteriors(*fits)
    np.testing.assert_array_equal(fits[0].learning_groups_, fits[0].groups_)
    assert np.isnan(fits[0].group_pareto_k_).all()


def test_fit_depends_on_neither_threads_nor_the_order_of_rows(rows, some_fitted):
    X, y, groups, *_ = rows
    order = np.random.default_rng(0).permutation(len(y))
    again = quiet_fit(clone(some_fitted).set_params(n_jobs=1), X[order], y[order], groups=groups[order])
    np.testing.assert_array_equal(again.learning_groups_, some_fitted.learning_groups_)
    assert_equal_posteriors(again, some_fitted)


def test_another_seed_learns_from_other_groups(rows, some_fitted):
    X, y, groups, *_ = rows
    again = quiet_fit(clone(some_fitted).set_params(random_state=3), X, y, groups=groups)
    assert not np.array_equal(again.learning_groups_, some_fitted.learning_groups_)


def test_learning_groups_are_of_all_sizes(some_fitted):
    """One of each pair of neighbours in size."""
    data = copy.copy(some_fitted.training_data_)
    sizes = np.diff(data.offsets)  # (group,)
    object.__setattr__(data, "weights", np.repeat([5, 1, 8, 2, 7, 3, 10, 4, 11, 6, 12, 9] / sizes, sizes))
    weight = np.add.reduceat(data.weights, data.offsets[:-1]).round().astype(int)  # (group,)
    seen = set()
    for seed in range(40):
        chosen = some_groups(data, 6, np.random.default_rng(seed))
        assert np.array_equal(chosen, np.unique(chosen))
        assert sorted((weight[chosen] - 1) // 2) == list(range(6))
        seen |= set(chosen.tolist())
    assert seen == set(range(12))


def test_max_groups_is_validated(rows):
    X, y, groups, *_ = rows
    for wrong in (4, 2.5, "all"):
        with pytest.raises(ValueError, match="The 'max_groups' parameter of HierarchicalBNNClassifier must be"):
            HierarchicalBNNClassifier(max_groups=wrong).fit(X, y, groups=groups)


def test_other_methods_take_all_groups(rows):
    X, y, groups, *_ = rows
    mode = HierarchicalBNNClassifier(max_groups=MOST, inference="map", group_scale_prior=1.0, random_state=0)
    fitted = mode.fit(X, y, groups=groups)
    assert len(fitted.learning_groups_) == N_GROUPS
    with pytest.raises(ValueError, match=r"is a mode.*update cannot fit a group.*nuts"):
        fitted.update(X, y, groups=groups)


def test_failure_leaves_the_estimator_unfitted(rows, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    X, y, groups, *_ = rows
    monkeypatch.setattr("skhbnn.estimators.many_groups.with_groups", interrupted)
    estimator = HierarchicalBNNClassifier(max_groups=MOST, **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(estimator, X, y, groups=groups)
    assert not estimator.__sklearn_is_fitted__()


def error_of_mean(draws):
    return draws.std() / np.sqrt(float(import_arviz().ess(draws, method="mean")))


def error_of_sd(draws):
    return draws.std() / np.sqrt(2 * float(import_arviz().ess(draws, method="sd")))


def test_draws_by_the_pass_are_those_of_nuts():
    """Given what groups share, a group of a joint fit has the conditional distribution that the pass draws from."""
    X, _, y, _, groups, _ = make_rotated_moons(n_groups=6, n_samples=40, random_state=2)
    settings = {"hidden_layer_sizes": (), "chains": 4, "tune": 300, "draws": 400, "random_state": 0}
    fitted = quiet_fit(HierarchicalBNNClassifier(pooling="partial", **settings), X, y, groups=groups)
    data = fitted.training_data_
    posterior, pareto_k, _ = with_groups(fitted.posterior_, data.group_labels, data, np.arange(6))
    by_nuts, by_pass = fitted.posterior_.weights.astype(float), posterior.weights.astype(float)
    for g, w in np.ndindex(by_nuts.shape[2:]):
        ours, theirs = by_pass[..., g, w], by_nuts[..., g, w]  # (chain, draw)
        assert abs(ours.mean() - theirs.mean()) < 4 * np.hypot(error_of_mean(ours), error_of_mean(theirs))
        # The draws are corrected normal ones: their deviations are some 4 % too small here.
        allowed = 0.08 * theirs.std() + 4 * np.hypot(error_of_sd(ours), error_of_sd(theirs))
        assert abs(ours.std() - theirs.std()) < allowed
    assert np.median(pareto_k) < 0.7


@pytest.mark.parametrize("name", ["ordinal", *likelihoods.OF_NUMBERS])
def test_all_likelihoods(name, rows):
    X, y, groups, X_new, groups_new = rows
    settings = {**SETTINGS, "tune": 40, "draws": 40, "max_groups": MOST, "likelihood": name}
    if name == "ordinal":
        levels = (y + (X[:, 0] > 0.5)).astype(int)  # (row,)
        fitted = quiet_fit(HierarchicalBNNClassifier(**settings), X, levels, groups=groups)
        predicted = fitted.predict_proba(X_new, groups=groups_new).max(axis=1)
    else:
        noise = 0.3 * np.random.default_rng(0).normal(size=len(y))  # (row,): a network goes through two values exactly
        target = y + 1 if likelihoods.likelihood(name).is_count else y + noise  # (row,)
        fitted = quiet_fit(HierarchicalBNNRegressor(**settings), X, target, groups=groups)
        predicted = fitted.predict(X_new, groups=groups_new)
    assert np.all(np.isfinite(predicted))
    assert np.all(np.isfinite(fitted.group_pareto_k_[~np.isin(fitted.groups_, fitted.learning_groups_)]))


def test_chains_in_worse_modes_have_no_share(some_fitted):
    rng, n_rows = np.random.default_rng(0), np.full(40, 20.0)
    log_evidence = rng.normal(0, 0.5, (40, 1, 5)) + np.array([0.0, -0.1, -0.5, -0.15])[:, None]  # (group, chain, draw)
    log_evidence[3, 1, 2] = np.nan
    posterior = some_fitted.posterior_
    four = replace(posterior, chain_weights=None, weights=np.concatenate([posterior.weights] * 2))
    found = without_worse_chains(four, log_evidence, n_rows)  # 0.3 nats a group are allowed
    np.testing.assert_allclose(found.chain_weights, [1 / 3, 1 / 3, 0, 1 / 3])
    given = replace(four, chain_weights=np.array([0.1, 0.3, 0.6, 0.0]))
    np.testing.assert_allclose(without_worse_chains(given, log_evidence, n_rows).chain_weights, [0.25, 0.75, 0, 0])
    all_but_kept = replace(four, chain_weights=np.array([0.0, 0.0, 1.0, 0.0]))
    found = without_worse_chains(all_but_kept, log_evidence, n_rows)
    np.testing.assert_allclose(found.chain_weights, [1 / 3, 1 / 3, 0, 1 / 3])
    assert without_worse_chains(four, log_evidence, 10 * n_rows) is four
    assert without_worse_chains(four, np.full((40, 4, 5), np.nan), n_rows) is four


# Checkpoints ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(rows, tmp_path, monkeypatch):
    """The folder of a fit that was interrupted in its second batch of four groups, and an unfitted estimator."""
    X, y, groups, *_ = rows
    batches = []

    def interrupted(*args):
        batches.append(args[1].n_groups)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return conditional_weights(*args)

    estimator = HierarchicalBNNClassifier(max_groups=MOST, checkpoint=tmp_path / "run", **SETTINGS)
    monkeypatch.setattr(group_batches, "MOST_GROUPS", 4)
    with monkeypatch.context() as patch:
        patch.setattr(group_batches, "conditional_weights", interrupted)
        with pytest.raises(KeyboardInterrupt):
            quiet_fit(clone(estimator), X, y, groups=groups)
    return tmp_path / "run", estimator


def test_stopped_fit_goes_on(rows, some_fitted, stopped, monkeypatch):
    """What was learned, and the first batch, are read; the second batch is fitted, and nothing then."""
    X, y, groups, *_ = rows
    folder, estimator = stopped
    assert len(list(folder.glob("*.joblib"))) == 2
    fitted_here = []

    def noted(*args):
        fitted_here.append(args[1].n_groups)
        return conditional_weights(*args)

    monkeypatch.setattr(HierarchicalBNNClassifier, "_fit_model", None)
    monkeypatch.setattr(group_batches, "conditional_weights", noted)
    for _ in range(2):
        again = quiet_fit(clone(estimator), X, y, groups=groups)
        assert_equal_posteriors(again, some_fitted)
        np.testing.assert_array_equal(again.group_pareto_k_, some_fitted.group_pareto_k_)
        np.testing.assert_array_equal(again.learning_groups_, some_fitted.learning_groups_)
        np.testing.assert_array_equal(again.training_data_.places, some_fitted.training_data_.places)
        np.testing.assert_array_equal(again.diagnostics_.ess, some_fitted.diagnostics_.ess)
    assert fitted_here == [2]


def test_checkpoint_of_a_fit_without_a_seed(rows, stopped, tmp_path):
    """The groups that were learned from, and the seed, are those of the run before."""
    X, y, groups, *_ = rows
    estimator = stopped[1].set_params(random_state=None, checkpoint=tmp_path / "second")
    first, second = (quiet_fit(clone(estimator), X, y, groups=groups) for _ in range(2))
    np.testing.assert_array_equal(first.learning_groups_, second.learning_groups_)
    assert_equal_posteriors(first, second)


def test_checkpoint_of_another_run(rows, stopped):
    X, y, groups, *_ = rows
    for changed, named in (({"draws": 130}, "estimator draws"), ({"pooling": "partial"}, "estimator pooling")):
        with pytest.raises(ValueError, match=f"belongs to another run, which differs in: {named}"):
            clone(stopped[1]).set_params(**changed).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="differs in: data X"):
        stopped[1].fit(X + 0.1 * groups[:, None], y, groups=groups)
    with pytest.raises(ValueError, match="differs in: data groups"):
        stopped[1].fit(X, y, groups=groups + 1)


def test_damaged_checkpoint(rows, stopped):
    X, y, groups, *_ = rows
    for path in stopped[0].glob("*.joblib"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(ValueError, match=rf"{path.name}' of .*(distribution|batch from group).* is corrupt"):
            stopped[1].fit(X, y, groups=groups)
        assert not stopped[1].__sklearn_is_fitted__()
        path.write_bytes(whole)


def test_batch_that_does_not_fit_in_memory(rows, stopped, monkeypatch):
    """The error says what would not fit; what was finished stays."""
    X, y, groups, *_ = rows
    left = iter([10**9, 1_000])  # for the draws of all groups, and for those of a batch
    monkeypatch.setattr(memory, "available_bytes", lambda: next(left))
    with pytest.raises(MemoryError, match=r"a batch of 2 groups would take .* 1.0 kB are available; give the workers"):
        stopped[1].fit(X, y, groups=groups)
    assert not stopped[1].__sklearn_is_fitted__()
    assert len(list(stopped[0].glob("*.joblib"))) == 2


def test_checkpoint_of_a_joint_fit(rows, stopped, monkeypatch, tmp_path):
    X, y, groups, *_ = rows
    estimator = stopped[1].set_params(max_groups=None, checkpoint=tmp_path / "joint")
    first = quiet_fit(clone(estimator), X, y, groups=groups)
    monkeypatch.setattr(HierarchicalBNNClassifier, "_fit_model", None)
    assert_equal_posteriors(quiet_fit(clone(estimator), X, y, groups=groups), first)
    crossed = clone(estimator).set_params(random_intercepts=2, checkpoint=tmp_path / "crossed")
    monkeypatch.undo()
    item = np.arange(len(y)) % 4
    quiet_fit(clone(crossed), np.column_stack([X, item]), y, groups=groups)
    for other, named in ((item[::-1], "random intercepts"), (item + 1, "labels of random intercept 0")):
        with pytest.raises(ValueError, match=f"differs in: data {named}"):
            crossed.fit(np.column_stack([X, other]), y, groups=groups)


# update and drop_groups ----------------------------------------------------------------------------------------------


def test_update_leaves_all_else_as_it_is(rows, some_fitted):
    X, y, groups, X_new, _groups_new = rows
    known, learned = others_of(some_fitted)[0], some_fitted.learning_groups_[0]
    fitted = copy.deepcopy(some_fitted).update(X[:20], y[:20], groups=[known] * 5 + [learned] * 5 + [99] * 10)
    assert fitted.groups_.tolist() == [*some_fitted.groups_.tolist(), 99]
    np.testing.assert_array_equal(fitted.posterior_.group_mean, some_fitted.posterior_.group_mean)
    for label in some_fitted.groups_.tolist():
        equal = np.array_equal(weights_of(fitted, label), weights_of(some_fitted, label))
        assert equal == (label not in (known, learned))
    changed = np.isin(fitted.groups_, [known, learned, 99])
    np.testing.assert_array_equal(fitted.group_pareto_k_[~changed], some_fitted.group_pareto_k_[~changed[:-1]])
    assert np.all(np.isfinite(fitted.group_pareto_k_[changed]))
    data = fitted.training_data_
    every_X, every_y = np.vstack([X, X[:20]]), np.concatenate([y, y[:20]])
    every_group = np.concatenate([groups, [known] * 5 + [learned] * 5 + [99] * 10])
    np.testing.assert_array_equal(data.X[data.places], every_X)
    np.testing.assert_array_equal(data.y[data.places], every_y)
    np.testing.assert_array_equal(np.array(data.group_labels)[data.group_of_row[data.places]], every_group)
    assert not np.allclose(
        fitted.predict_proba(X_new, groups=np.full(len(X_new), 99)),
        some_fitted.predict_proba(X_new, groups=np.full(len(X_new), 99)),
    )


def test_group_learned_later_is_the_one_of_a_fit(rows, some_fitted):
    X, y, groups, *_ = rows
    label = others_of(some_fitted)[2]
    fitted = copy.deepcopy(some_fitted).drop_groups([label])
    assert label not in fitted.groups_
    assert len(fitted.group_pareto_k_) == N_GROUPS - 1
    of_it = groups == label
    half = np.flatnonzero(of_it)[:6]
    rest = np.flatnonzero(of_it)[6:]
    fitted.update(X[rest], y[rest], groups=groups[rest]).update(X[half], y[half], groups=groups[half])
    np.testing.assert_array_equal(fitted.posterior_.weights, some_fitted.posterior_.weights)
    np.testing.assert_array_equal(fitted.group_pareto_k_, some_fitted.group_pareto_k_)
    np.testing.assert_array_equal(fitted.training_data_.X, some_fitted.training_data_.X)
    np.testing.assert_array_equal(fitted.training_data_.offsets, some_fitted.training_data_.offsets)


def test_dropped_groups_are_unseen(rows, some_fitted):
    X, _, _, X_new, _ = rows
    fitted = copy.deepcopy(some_fitted).drop_groups([3])
    labels = np.full(len(X_new), 3)
    assert not np.allclose(fitted.predict_proba(X_new, groups=labels), some_fitted.predict_proba(X_new, groups=labels))
    np.testing.assert_array_equal(fitted.posterior_.weights, np.delete(some_fitted.posterior_.weights, 3, axis=2))
    assert np.sum(fitted.training_data_.places >= 0) == len(X) - 12
    assert "row" in fitted.to_arviz()["log_likelihood"]["y"].dims


def test_updated_fit_is_saved(rows, some_fitted, tmp_path):
    X, y, _, X_new, groups_new = rows
    fitted = copy.deepcopy(some_fitted).update(X[:6], y[:6], groups=np.repeat([0, 50], 3)).drop_groups([7])
    fitted.save(tmp_path / "fit.skhbnn")
    loaded = skhbnn.load(tmp_path / "fit.skhbnn")
    for name in ("groups_", "learning_groups_", "group_pareto_k_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fitted, name))
    for groups in (groups_new, np.full(len(X_new), 50)):
        np.testing.assert_array_equal(
            loaded.predict_proba(X_new, groups=groups), fitted.predict_proba(X_new, groups=groups)
        )
    log_likelihood = fitted.to_arviz()["log_likelihood"]["y"]
    assert log_likelihood.shape == (2, 100, len(y) + 6 - 12)
    again = loaded.update(X[6:9], y[6:9], groups=[51] * 3)
    np.testing.assert_array_equal(weights_of(again, 50), weights_of(fitted, 50))


def test_informed_prior_of_a_fit_of_many_groups(rows, some_fitted):
    X, y, *_ = rows
    prior = InformedPriorBNNClassifier.from_hierarchical(some_fitted)
    assert np.all(np.isfinite(quiet_fit(prior, X[:12], y[:12]).predict_proba(X[:12])))


def test_update_of_a_joint_fit_without_groups(rows):
    X, y, *_ = rows
    fitted = quiet_fit(HierarchicalBNNClassifier(**SETTINGS), X[:30], y[:30])
    before = fitted.posterior_.weights.copy()
    fitted.update(X[30:60], y[30:60])
    assert fitted.groups_ is None
    assert not np.array_equal(fitted.posterior_.weights, before)
    with pytest.raises(ValueError, match="fitted without groups, and has none to drop"):
        fitted.drop_groups([0])


def test_weights_are_repetition(rows):
    X, y, groups, *_ = rows
    counts = np.random.default_rng(0).integers(0, 3, len(y))  # (row,)
    repeated = np.repeat(np.arange(len(y)), counts)
    estimator = HierarchicalBNNClassifier(max_groups=MOST, **SETTINGS)
    weighted = quiet_fit(clone(estimator), X, y, groups=groups, sample_weight=counts)
    plain = quiet_fit(clone(estimator), X[repeated], y[repeated], groups=groups[repeated])
    assert_equal_posteriors(weighted, plain)
    labels = np.repeat([1, 60], [5, 15])
    weighted.update(X[:20], y[:20], groups=labels, sample_weight=counts[:20])
    some = np.repeat(np.arange(20), counts[:20])
    plain.update(X[some], y[some], groups=labels[some])
    assert_equal_posteriors(weighted, plain)


def test_regressor_learns_more_in_the_unit_of_y(rows):
    X, y, groups, _X_new, _ = rows
    numbers = 1_000 + 50 * (y + X[:, 0])
    settings = {**SETTINGS, "standardize": True, "max_groups": MOST}
    fitted = quiet_fit(HierarchicalBNNRegressor(**settings), X, numbers, groups=groups)
    fitted.update(X[:12], numbers[:12] + 200, groups=["70"] * 12 if groups.dtype.kind == "U" else [70] * 12)
    moved = fitted.predict(X[:12], groups=np.full(12, 70)) - fitted.predict(X[:12], groups=groups[:12])
    assert 100 < moved.mean() < 300


def test_faults_of_update_and_drop_groups(rows, some_fitted):
    X, y, groups, *_ = rows
    fitted = copy.deepcopy(some_fitted)
    with pytest.raises(ValueError, match=r"classes that fit did not see: .2.; it saw .0, 1."):
        fitted.update(X, y + 1, groups=groups)
    with pytest.raises(ValueError, match="X has 1 features, but HierarchicalBNNClassifier is expecting 2"):
        fitted.update(X[:, :1], y, groups=groups)
    with pytest.raises(ValueError, match=r"sample_weight came to update, and every row of .*Repeat a row"):
        fitted.update(X, y, groups=groups, sample_weight=np.ones(len(y)))
    with pytest.raises(ValueError, match="The 'n_jobs' parameter of HierarchicalBNNClassifier must be"):
        fitted.set_params(n_jobs="many").update(X, y, groups=groups)
    fitted.set_params(n_jobs=None)
    with pytest.raises(ValueError, match="fitted with groups and needs them here too"):
        fitted.update(X, y)
    with pytest.raises(ValueError, match="missing label"):
        fitted.update(X[:2], y[:2], groups=[0, None])
    with pytest.raises(ValueError, match=r"did not see: 77.*No group was dropped"):
        fitted.drop_groups([0, 77])
    for label in (3, np.int64(3), "3"):
        with pytest.raises(ValueError, match=r"labels must be a list of labels of groups, as in drop_groups\(\["):
            fitted.drop_groups(label)
    with pytest.raises(ValueError, match="labels has all 12 groups of the fit"):
        fitted.drop_groups(range(12))
    assert_equal_posteriors(fitted, some_fitted)
    assert fitted.training_data_ is not None
    assert len(fitted.training_data_.y) == len(some_fitted.training_data_.y)
    assert not hasattr(FlatBNNClassifier, "update")


def test_groups_as_a_column(rows, some_fitted):
    X, y, groups, *_ = rows
    table = pd.DataFrame(X, columns=["a", "b"]).assign(shop=groups)
    estimator = HierarchicalBNNClassifier(groups="shop", max_groups=MOST, **SETTINGS)
    fitted = quiet_fit(estimator, table, y)
    assert_equal_posteriors(fitted, some_fitted)
    fitted.update(table.iloc[:4].assign(shop=90), y[:4])
    by_argument = copy.deepcopy(some_fitted).update(X[:4], y[:4], groups=[90] * 4)
    assert_equal_posteriors(fitted, by_argument)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.update(table.rename(columns={"a": "c"}), y)


def test_a_group_that_is_exactly_normal_is_not_doubted(small):
    """A linear network with normal noise: ratios of the densities are equal, and their Pareto k is minus infinity."""
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(60, 1)), np.repeat(np.arange(6), 10)  # (row, feature), (row,)
    y = X[:, 0] + 0.1 * groups + 0.1 * rng.normal(size=60)  # (row,)
    fitted = quiet_fit(HierarchicalBNNRegressor(**{**small, "hidden_layer_sizes": ()}), X, y, groups=groups)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.update(X[:5], y[:5], groups=["new"] * 5)
    assert fitted.group_pareto_k_[fitted.groups_.tolist().index("new")] < 0.7
