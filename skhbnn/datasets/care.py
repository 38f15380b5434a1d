"""Visits to a clinic in villages of many sizes, simulated."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy.special import expit
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval

from ..support.typed import Seed, validate_params

SHAPE, MEAN_SIZE = 1.5, 20  # of the rows of a village beyond two: a gamma variable, and a Poisson one with that mean


@validate_params({"n_groups": [Interval(Integral, 1, None, closed="left")], "random_state": ["random_state"]})
def make_care_visits(n_groups: int = 60, random_state: Seed = 0) -> Bunch:
    """Whether women of some villages visited a clinic: two classes in groups of many sizes, and effects that bend.

    Simulated, in the size and shape of surveys of this kind. The logit of a visit falls with the distance to the clinic
    and levels off, rises with the years of school, and with insurance; villages differ in their level, and in how much
    distance counts. The rows of a village are two
    and more, 22 on average, and vary widely.

    Parameters
    ----------
    n_groups : int, default=60
        Number of villages.
    random_state : int, RandomState instance or None, default=0
        Seed.

    Returns
    -------
    data : Bunch
        ``data`` (n_samples, 3), the distance in kilometres, years of school, and insurance (0 or 1); ``target``
        (n_samples,), ``"no"`` or ``"yes"``; ``groups`` (n_samples,), the village; ``expected`` (n_samples,), the
        probability of ``"yes"``; and ``feature_names``.

    Examples
    --------
    >>> from skhbnn.datasets import make_care_visits
    >>> make_care_visits(n_groups=5).feature_names
    ['distance', 'school', 'insured']
    """
    rng = check_random_state(random_state)
    sizes = 2 + rng.poisson(rng.gamma(SHAPE, MEAN_SIZE / SHAPE, n_groups))  # (group,)
    groups = np.repeat(np.arange(n_groups), sizes)  # (row,)
    distance = rng.gamma(2.0, 5.0, len(groups))  # (row,)
    school = rng.binomial(12, 0.4, len(groups))  # (row,)
    insured = rng.binomial(1, 0.35, len(groups))  # (row,)
    level, reach = 0.8 * rng.randn(n_groups), np.exp(0.5 * rng.randn(n_groups))  # (group,) each
    logit = 1.2 + level[groups] - 2.5 * reach[groups] * distance / (distance + 8)  # (row,)
    expected = expit(logit + 0.15 * (school - 5) + 0.6 * insured)  # (row,)
    return Bunch(
        data=np.column_stack([distance, school, insured]).astype(float),
        target=np.where(rng.uniform(size=len(groups)) < expected, "yes", "no"),
        groups=groups,
        expected=expected,
        feature_names=["distance", "school", "insured"],
    )
