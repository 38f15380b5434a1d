"""Reaction times of persons who sleep little, simulated."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval

from ..support.typed import Seed, validate_params

N_DAYS = 10
NOISE = 20.0  # ms


@validate_params({"n_groups": [Interval(Integral, 1, None, closed="left")], "random_state": ["random_state"]})
def make_reaction_times(n_groups: int = 18, random_state: Seed = 0) -> Bunch:
    """Reaction times of persons on ten days of little sleep: numbers in groups, whose curves differ.

    Simulated, in the size and unit of studies of this kind. The expected time of person g on day t is
    250 + 30 a_g + 10 exp(0.6 b_g) t + 25 c_g sin(π t / 9) milliseconds with standard normal a, b and c, and without the
    third term for one person in four; the noise is normal with a standard deviation of 20 ms.

    Parameters
    ----------
    n_groups : int, default=18
        Number of persons, each with ten rows.
    random_state : int, RandomState instance or None, default=0
        Seed.

    Returns
    -------
    data : Bunch
        ``data`` (10 * n_groups, 1), the day; ``target`` (10 * n_groups,), the time in milliseconds; ``groups``
        (10 * n_groups,), the person; ``expected`` (10 * n_groups,), the time without noise; and ``feature_names``.

    Examples
    --------
    >>> from skhbnn.datasets import make_reaction_times
    >>> make_reaction_times(n_groups=3).data.shape
    (30, 1)
    """
    rng = check_random_state(random_state)
    day = np.arange(N_DAYS)  # (day,)
    level, bend = 250 + 30 * rng.randn(n_groups, 1), 25 * rng.randn(n_groups, 1)  # (group, 1) each
    slope = 10 * np.exp(0.6 * rng.randn(n_groups, 1)) * (rng.uniform(size=(n_groups, 1)) > 0.25)  # (group, 1)
    expected = (level + slope * day + bend * np.sin(np.pi * day / 9)).ravel()  # (row,)
    return Bunch(
        data=np.tile(day, n_groups)[:, None].astype(float),
        target=expected + NOISE * rng.randn(len(expected)),
        groups=np.repeat(np.arange(n_groups), N_DAYS),
        expected=expected,
        feature_names=["day"],
    )
