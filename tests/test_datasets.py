"""The moons against the article's own lines, which draw from NumPy's global state; other data against their truth."""

import numpy as np
import pytest
from sklearn.datasets import make_moons

from skhbnn.datasets import load_insurance, load_vowels, make_care_visits, make_reaction_times, make_rotated_moons


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


def test_reaction_times_are_what_is_expected_and_noise():
    data = make_reaction_times(n_groups=400)
    noise = data.target - data.expected  # (row,)
    assert abs(noise.mean()) < 4 * 20 / np.sqrt(4000)
    assert abs(noise.std() - 20) < 4 * 20 / np.sqrt(2 * 4000)
    day = data.expected.reshape(400, 10)  # (person, day)
    level = day[:, 0]  # where slope and bend add nothing
    assert abs(level.mean() - 250) < 4 * 30 / np.sqrt(400)
    # The bend is symmetric around the middle of the days: it adds nothing to the difference of the ends.
    rise = (day[:, 9] - day[:, 0]) / 9
    flat = np.abs(rise) < 1e-9
    assert abs(flat.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)
    assert abs(np.log(rise[~flat] / 10).std() - 0.6) < 4 * 0.6 / np.sqrt(2 * 300)


def test_visits_come_as_often_as_expected():
    data = make_care_visits(n_groups=300)
    visited = data.target == "yes"  # (row,)
    error = np.sqrt(np.sum(data.expected * (1 - data.expected)))
    assert abs(visited.sum() - data.expected.sum()) < 4 * error
    sizes = np.bincount(data.groups)
    assert sizes.min() >= 2
    assert abs(sizes.mean() - 22) < 4 * sizes.std() / np.sqrt(300)
    distance, school, insured = data.data.T
    for higher, factor in ((distance, -1), (school, 1), (insured, 1)):  # the directions that the docstring states
        assert factor * np.corrcoef(higher, data.expected)[0, 1] > 0.1


@pytest.mark.parametrize("make", [make_care_visits, make_reaction_times])
def test_seeds_of_simulated_data(make):
    first, again, other = make(5, random_state=3), make(5, random_state=3), make(5, random_state=4)
    np.testing.assert_array_equal(first.target, again.target)
    assert not np.array_equal(first.data, other.data) or not np.array_equal(first.target, other.target)
    assert len(first.data) == len(first.target) == len(first.groups) == len(first.expected)


def test_vowels_are_those_of_the_repository():
    """Its documentation: fifteen speakers say each of eleven vowels six times; and the first line of its file."""
    data = load_vowels()
    assert data.data.shape == (990, len(data.feature_names))
    counts = np.zeros((15, 11), dtype=int)  # (speaker, vowel)
    np.add.at(counts, (data.groups, data.target), 1)
    assert (counts == 6).all()
    first = [-3.639, 0.418, -0.670, 1.779, -0.168, 1.627, -0.388, 0.529, -0.874, -0.814]
    np.testing.assert_array_equal(data.data[0], first)
    assert (data.groups[0], data.target[0], data.groups[-1], data.target[-1]) == (0, 0, 14, 10)


def test_insurance_is_that_of_the_package_causaldata():
    """Counts of its table: 654 of 1,410 farmers of 44 villages; and what its documentation says of the columns."""
    data = load_insurance()
    assert data.data.shape == (1410, len(data.feature_names))
    assert (data.target == "yes").sum() == 654
    assert len(np.unique(data.groups)) == 44
    columns = dict(zip(data.feature_names, data.data.T, strict=True))
    for name in ("male", "literate", "default", "intensive"):
        assert set(np.unique(columns[name][~np.isnan(columns[name])])) == {0.0, 1.0}
    assert np.isnan(data.data).sum(axis=0).tolist() == [4, 6, 9, 0, 0, 3, 21, 0, 0]
    assert np.nanmin(columns["age"]) == 18


@pytest.mark.parametrize("load", [load_vowels, load_insurance])
def test_each_load_has_arrays_of_its_own(load):
    load().data[:] = 0
    load().feature_names.clear()
    assert load().data.any()
    assert load().feature_names
