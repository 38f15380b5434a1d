"""What must not change a prediction does not, whatever hypothesis thinks of.

Where a change moves nothing but names and positions, predictions stay the same to the last bit. Where it reorders
groups or classes the sampler takes another course, and what stays is the density that it samples, and its mode.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from models import flat_model, hierarchical_model, predictor
from sklearn.datasets import make_blobs
from sklearn.utils import Bunch

from conftest import quiet_fit
from skhbnn import FlatBNNClassifier, HierarchicalBNNClassifier, InformedPriorBNNClassifier, PerGroupClassifier
from skhbnn.data.rows import group_rows
from skhbnn.data.standardizer import Standardizer
from skhbnn.density.density import Density
from skhbnn.model.build import layer_scales
from skhbnn.model.network import Network
from skhbnn.posterior import prediction

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FIXED = {"derandomize": True, "database": None, "deadline": None}
predicting = settings(**FIXED, max_examples=40)
fitting = settings(**FIXED, max_examples=6)
evaluating = settings(**FIXED, max_examples=20)

seeds = st.integers(0, 2**32 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)  # subnormals and 1.8e308 among them


@pytest.fixture(scope="module")
def three_classes(moons):
    """The moons with a third class, far to the right."""
    return np.where(moons.X[:, 0] > 1, 2, moons.y)


@pytest.fixture(scope="module", params=["flat", "hierarchical", "informed", "relu", "identity", "logistic", "as it is"])
def case(request, small, moons, three_classes, flat, hierarchical, informed):
    """A fitted estimator, and the groups of the new rows, an unseen one among them, as further arguments."""
    if request.param == "hierarchical":
        return hierarchical, {"groups": np.where(moons.groups_new == 3, 99, moons.groups_new)}
    if request.param in ("flat", "informed"):
        return {"flat": flat, "informed": informed}[request.param], {}
    params = {"standardize": False} if request.param == "as it is" else {"activation": request.param}
    return quiet_fit(FlatBNNClassifier(**{**small, "hidden_layer_sizes": (3, 2)}, **params), moons.X, three_classes), {}


# Predicting --------------------------------------------------------------------------------------------------------


@given(X=arrays(float, st.tuples(st.integers(1, 4), st.just(2)), elements=finite))
@predicting
def test_any_finite_input(case, X):
    estimator, groups = case
    groups = {name: labels[-len(X) :] for name, labels in groups.items()}
    proba = estimator.predict_proba(X, **groups)
    assert ((proba >= 0) & (proba <= 1)).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    std = estimator.predict_std(X, **groups)
    assert ((std >= 0) & (std <= 0.5 + 1e-12)).all()  # Popoviciu: no distribution on [0, 1] spreads further
    parts = estimator.predict_uncertainty(X, **groups)
    assert ((parts.epistemic >= 0) & (parts.aleatoric >= 0)).all()
    assert (parts.total <= math.log(len(estimator.classes_)) * (1 + 1e-12)).all()
    log_proba = estimator.predict_log_proba(X, **groups)  # of a probability that is 0: -inf, and no warning
    np.testing.assert_array_equal(log_proba == -np.inf, proba == 0)


@given(data=st.data())
@predicting
def test_batches_and_order_of_a_prediction(case, data, moons):
    """A row's prediction depends on no other row, however many come in one call and wherever it stands."""
    estimator, groups = case
    order = np.array(data.draw(st.permutations(range(60))))
    cuts = sorted(data.draw(st.sets(st.integers(1, 59), max_size=8)))

    def predict(rows):
        return estimator.predict_proba(moons.X_new[rows], **{name: labels[rows] for name, labels in groups.items()})

    in_batches = np.concatenate([predict(rows) for rows in np.split(order, cuts)])
    # BLAS sums matrices of other shapes in another order.
    np.testing.assert_allclose(in_batches, predict(np.arange(60))[order], rtol=0, atol=1e-14)


@given(
    seed=seeds, hidden=st.sampled_from([(), (3,), (4, 2)]), n_logits=st.sampled_from([1, 3]), column=st.integers(0, 2)
)
@predicting
def test_duplicate_column_at_zero_weight(seed, hidden, n_logits, column):
    rng = np.random.default_rng(seed)
    network = Network((3, *hidden, n_logits), "tanh", True)
    weights = rng.standard_normal((20, network.n_weights))  # (draw, weight)
    X = rng.standard_normal((30, 3))  # (row, feature)
    wider = Network((4, *network.sizes[1:]), "tanh", True)
    first = network.layers[0].kernel.stop  # the new input's weights come after those of the other inputs
    padded = np.insert(weights, [first] * network.sizes[1], 0, axis=1)  # (draw, weight)
    for statistic in (prediction.mean_proba, prediction.std_proba):
        expected = statistic(predictor(network), weights, X)
        found = statistic(predictor(wider), padded, np.c_[X, X[:, column]])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


# Standardising -----------------------------------------------------------------------------------------------------


@given(X=arrays(float, st.tuples(st.integers(2, 6), st.just(3)), elements=finite))
@predicting
def test_any_finite_training_rows(X):
    """Training rows of any size come out in standard units; a column that is constant, or as good as that, as zeros."""
    standardizer = Standardizer.of(X, np.ones(len(X)))
    standard = standardizer.transform(X)
    assert (np.abs(standard) <= math.sqrt(len(X))).all()  # no row is further from the mean than sqrt(n) deviations
    for column in range(3):
        spread, size = standard[:, column], np.abs(X[:, column]).max()
        if np.ptp(X[:, column] / 2) > max(2e-12 * size, 1e-300):
            np.testing.assert_allclose([spread.mean(), spread.std()], [0, 1], atol=1e-3)


@pytest.mark.parametrize("size", [1e308, 1e-300])
def test_fit_of_extreme_columns(size, small, moons):
    """A feature in huge or tiny units is as good as one in ordinary units; constants do not matter."""
    X = np.c_[moons.X * [size / 8, 1], np.full(60, size), np.zeros(60)]
    fitted = quiet_fit(FlatBNNClassifier(**small), X, moons.y)
    inputs = (moons.X - moons.X.mean(axis=0)) / moons.X.std(axis=0)
    order = fitted.training_data_.order
    np.testing.assert_allclose(fitted.training_data_.X, np.c_[inputs, np.zeros((60, 2))][order], atol=1e-12)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


# Fitting: the same draws to the last bit ---------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["flat", "hierarchical", "informed", "per group"])
def fit(request, small, moons):
    """A function that fits to rows, and gives the predictions of the new rows with labels of groups."""
    tiny = {**small, "tune": 20, "draws": 20}
    estimator = {
        "flat": FlatBNNClassifier(**tiny),
        "hierarchical": HierarchicalBNNClassifier(**tiny),
        "informed": InformedPriorBNNClassifier(**tiny),
        "per group": PerGroupClassifier(FlatBNNClassifier(**tiny)),
    }[request.param]
    grouped = request.param in ("hierarchical", "per group")

    def fit(order=slice(None), labels=(0, 1, 2, 3), classes=(0, 1)):
        labels_of = np.fromiter(labels, dtype=object, count=4)
        groups, groups_new = (
            {"groups": labels_of[codes]} if grouped else {} for codes in (moons.groups, moons.groups_new)
        )
        groups = {name: value[order] for name, value in groups.items()}
        quiet_fit(estimator, moons.X[order], np.array(classes)[moons.y][order], **groups)
        np.testing.assert_array_equal(estimator.classes_, classes)
        return estimator.predict_proba(moons.X_new, **groups_new)

    return Bunch(predictions=fit, expected=fit(), grouped=grouped)


@given(order=st.permutations(range(60)))
@fitting
def test_order_of_rows(fit, order):
    """Of the groups too: the order in which they first appear changes with that of the rows."""
    np.testing.assert_array_equal(fit.predictions(order=np.array(order)), fit.expected)


ordered_labels = st.one_of(
    st.sets(kind, min_size=4, max_size=4).map(sorted)
    for kind in (st.integers(-(2**70), 2**70), st.text(max_size=5), st.dates(), st.tuples(st.integers()))
)


@given(labels=ordered_labels)
@fitting
def test_names_of_groups_in_the_same_order(fit, labels):
    np.testing.assert_array_equal(fit.predictions(labels=labels), fit.expected)


ordered_classes = st.one_of(
    st.sets(kind, min_size=2, max_size=2).map(sorted)
    for kind in (st.integers(-(2**60), 2**60), st.text("abcxyzäß ", min_size=1, max_size=5))
)


@given(classes=ordered_classes)
@fitting
def test_names_of_classes_in_the_same_order(fit, classes):
    np.testing.assert_array_equal(fit.predictions(classes=classes), fit.expected)


# Fitting: the same density and the same mode -----------------------------------------------------------------------


def hierarchical_density(rng, n_logits, weight_prior, rename=lambda codes, y: (codes, y)):
    """A density of four groups of unequal size, their codes and classes renamed."""
    network = Network((2, 3, n_logits), "tanh", True)
    model = hierarchical_model(network, layer_scales(network, 0.7), ("partial", "partial"), weight_prior)
    codes = np.repeat(np.arange(4), [3, 1, 5, 2])  # (row,)
    X, y = rng.standard_normal((11, 2)), rng.integers(0, max(2, n_logits), 11)  # (row, feature), (row,)
    codes, y = rename(codes, y)
    return Density(model, group_rows(X, y, codes, list(range(4)))[0])


families = st.sampled_from(["normal", "laplace", "student_t", "cauchy"])


def assert_same_density(density, renamed, x, move):
    """Log densities equal at x and where move takes it, and gradients as move takes them."""
    value, gradient = density.logp_grad(x)
    found, found_gradient = renamed.logp_grad(move(x))
    np.testing.assert_allclose(found, value, rtol=1e-12)
    np.testing.assert_allclose(found_gradient, move(gradient), rtol=0, atol=1e-12 * np.abs(gradient).max())


@given(seed=seeds, n_logits=st.sampled_from([1, 3]), weight_prior=families, new=st.permutations(range(4)))
@evaluating
def test_density_with_groups_renamed(seed, n_logits, weight_prior, new):
    """Group g is called new[g]: its deviations stand where new[g]'s did, and nothing else changes."""
    new = np.array(new)
    density = hierarchical_density(np.random.default_rng(seed), n_logits, weight_prior)
    renamed = hierarchical_density(
        np.random.default_rng(seed), n_logits, weight_prior, lambda codes, y: (new[codes], y)
    )
    n_shared = density.model.network.n_weights + 4  # means and group scales

    def move(x):
        deviations = x[n_shared:].reshape(4, -1)  # (group, deviation)
        return np.r_[x[:n_shared], deviations[np.argsort(new)].ravel()]

    x = np.random.default_rng(seed + 1).standard_normal(density.n_dim)
    assert_same_density(density, renamed, x, move)


@given(seed=seeds, n_logits=st.sampled_from([1, 3]), weight_prior=families, new=st.permutations(range(3)))
@evaluating
def test_density_with_classes_renamed(seed, n_logits, weight_prior, new):
    """Two classes that swap names turn the sign of the last layer; more classes take their logits along."""
    new = np.array(new) if n_logits == 3 else np.array([1, 0])
    density = hierarchical_density(np.random.default_rng(seed), n_logits, weight_prior)
    renamed = hierarchical_density(
        np.random.default_rng(seed), n_logits, weight_prior, lambda codes, y: (codes, new[y])
    )
    n, last = density.model.network.n_weights, density.model.network.layers[-1]

    def move_weights(w):
        """Weights (..., weight) of one network."""
        moved = w.copy()
        logits = w[..., last.start :].reshape(*w.shape[:-1], -1, n_logits)  # (..., unit or intercept, logit)
        logits = -logits if n_logits == 1 else logits[..., np.argsort(new)]
        moved[..., last.start :] = logits.reshape(*w.shape[:-1], -1)
        return moved

    def move(x):
        return np.r_[move_weights(x[:n]), x[n : n + 4], move_weights(x[n + 4 :].reshape(4, n)).ravel()]

    x = np.random.default_rng(seed + 1).standard_normal(density.n_dim)
    assert_same_density(density, renamed, x, move)


@given(seed=seeds, n_logits=st.sampled_from([1, 3]), column=st.integers(0, 1))
@evaluating
def test_density_with_a_duplicate_column(seed, n_logits, column):
    """At weight 0 the prior of its weights is all that it adds; the data pull at them as at the original's."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((12, 2)), rng.integers(0, max(2, n_logits), 12)  # (row, feature), (row,)
    densities = []
    for inputs in (X, np.c_[X, X[:, column]]):
        network = Network((inputs.shape[1], 3, n_logits), "tanh", True)
        data, _ = group_rows(
            inputs, y, np.zeros(12, dtype=int), ["all"], standardizer=Standardizer.identity(inputs.shape[1])
        )
        densities.append(Density(flat_model(network, layer_scales(network, 0.7)), data))
    density, wider = densities
    x = rng.standard_normal(density.n_dim)
    value, gradient = density.logp_grad(x)
    found, found_gradient = wider.logp_grad(np.insert(x, [6] * 3, 0))
    np.testing.assert_allclose(found, value - 3 * math.log(0.7 * math.sqrt(2 * math.pi)), rtol=1e-12)
    source = slice(3 * column, 3 * column + 3)
    pull = gradient[source] + x[source] / 0.7**2  # (unit,): of the data alone
    np.testing.assert_allclose(found_gradient, np.insert(gradient, [6] * 3, pull), rtol=0, atol=1e-12 * 12)


@pytest.fixture(scope="module")
def at_the_mode():
    """A function that fits logistic regressions per group, partially pooled, by their mode, of which there is one."""
    X, y = make_blobs(80, centers=3, cluster_std=4, random_state=0)
    codes = np.random.default_rng(0).integers(0, 4, 80)  # (row,)

    def predict(groups=(0, 1, 2, 3), classes=(0, 1, 2), X=X):
        labels = np.array(groups)[codes]
        estimator = HierarchicalBNNClassifier((), group_scale_prior=0.5, inference="map", chains=1, random_state=0)
        fitted = quiet_fit(estimator, X, np.array(classes)[y], groups=labels)
        return fitted.predict_proba(X, groups=labels)

    return Bunch(predict=predict, X=X)


@given(groups=st.permutations(range(4)), classes=st.permutations(range(3)))
@fitting
def test_mode_with_groups_and_classes_renamed(at_the_mode, groups, classes):
    """Sorted otherwise, groups and classes keep their probabilities."""
    found = at_the_mode.predict(groups, classes)
    np.testing.assert_allclose(found[:, classes], at_the_mode.predict(), rtol=0, atol=2e-4)


def test_mode_with_a_constant_column(at_the_mode):
    """Its weights are those of the prior's mode, 0."""
    wider = np.c_[at_the_mode.X, np.full(80, 3.3)]
    np.testing.assert_allclose(at_the_mode.predict(X=wider), at_the_mode.predict(), rtol=0, atol=2e-4)


# Weights of rows ---------------------------------------------------------------------------------------------------


@given(weight=arrays(int, 60, elements=st.integers(0, 3)).filter(np.any))
@predicting
def test_weights_of_a_score_are_repetitions(hierarchical, weight, moons):
    y = hierarchical.predict(moons.X_new, groups=moons.groups_new) ^ (np.arange(60) % 3 == 0)  # some of them wrong
    repeated = np.repeat(np.arange(60), weight)
    score = hierarchical.score(moons.X_new, y, groups=moons.groups_new, sample_weight=weight)
    expected = hierarchical.score(moons.X_new[repeated], y[repeated], groups=moons.groups_new[repeated])
    np.testing.assert_allclose(score, expected, rtol=1e-12)
