"""The moons against the article's own lines, which draw from NumPy's global state."""

import numpy as np
from sklearn.datasets import make_moons

from skhbnn.datasets import make_rotated_moons


def test_moons_are_those_of_the_article():
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(31)  # noqa: NPY002
    expected = []
    for _ in range(18):
        X, y = make_moons(n_samples=100, noise=0.3)  # (row, 2), (row,)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        angle = np.deg2rad(np.random.randn() * 90)  # noqa: NPY002
        c, s = np.cos(angle), np.sin(angle)
        expected.append((X.dot(np.array([[c, -s], [s, c]])), y))
    np.random.set_state(state)  # noqa: NPY002
    X_train, X_test, y_train, y_test, groups_train, groups_test = make_rotated_moons()
    for g, (X, y) in enumerate(expected):
        np.testing.assert_allclose(X_train[groups_train == g], X[:50], rtol=1e-12)
        np.testing.assert_allclose(X_test[groups_test == g], X[50:], rtol=1e-12)
        np.testing.assert_array_equal(y_train[groups_train == g], y[:50])
        np.testing.assert_array_equal(y_test[groups_test == g], y[50:])


def test_another_seed_gives_other_moons():
    assert not np.array_equal(make_rotated_moons(2)[0], make_rotated_moons(2, random_state=1)[0])
