"""Example data: the rotated half moons of the 2018 article."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.datasets import make_moons
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ..support.typed import Floats, Integers, Seed, validate_params


@validate_params(
    {
        "n_groups": [Interval(Integral, 1, None, closed="left")],
        "n_samples": [Interval(Integral, 4, None, closed="left")],
        "noise": "no_validation",
        "random_state": ["random_state"],
    }
)
def make_rotated_moons(
    n_groups: int = 18, n_samples: int = 100, noise: float = 0.3, random_state: Seed = 31
) -> tuple[Floats, Floats, Integers, Integers, Integers, Integers]:
    """Half moons, turned by an angle of its own in every group.

    The data of Wiecki's article [1]_. For each group in turn: ``make_moons``, each column scaled to mean 0 and
    variance 1, then a rotation by an angle drawn from Normal(0, 90²) degrees. The first half of a group's rows train,
    the others test.

    Parameters
    ----------
    n_groups : int, default=18
        Number of groups.
    n_samples : int, default=100
        Rows of each group, both halves together.
    noise : float, default=0.3
        Standard deviation of the noise of the moons.
    random_state : int or RandomState, default=31
        31 gives the data of the article.

    Returns
    -------
    X_train, X_test : ndarray of shape (n_groups * n_samples / 2, 2)
        The two features.
    y_train, y_test : ndarray of shape (n_groups * n_samples / 2,)
        Classes 0 and 1, the two moons.
    groups_train, groups_test : ndarray of shape (n_groups * n_samples / 2,)
        Group numbers 0 to n_groups - 1.

    References
    ----------
    .. [1] Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
       https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/

    Examples
    --------
    >>> from skhbnn.datasets import make_rotated_moons
    >>> X_train, X_test, y_train, y_test, groups_train, groups_test = make_rotated_moons()
    >>> X_train.shape
    (900, 2)
    """
    rng = check_random_state(random_state)
    half = n_samples // 2
    inputs, labels = [], []
    for _ in range(n_groups):
        rows, classes = make_moons(n_samples=n_samples, noise=noise, random_state=rng)  # (row, 2), (row,)
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        angle = np.radians(rng.randn() * 90)
        c, s = np.cos(angle), np.sin(angle)
        inputs.append(rows @ np.array([[c, -s], [s, c]]))
        labels.append(classes)
    X, y = np.array(inputs), np.array(labels)  # (group, row, 2), (group, row)
    groups = np.repeat(np.arange(n_groups), n_samples).reshape(n_groups, n_samples)  # (group, row)
    train, test = slice(None, half), slice(half, None)
    return (
        X[:, train].reshape(-1, 2),
        X[:, test].reshape(-1, 2),
        y[:, train].ravel(),
        y[:, test].ravel(),
        groups[:, train].ravel(),
        groups[:, test].ravel(),
    )
