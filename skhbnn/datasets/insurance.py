"""Insurance that farmers of some villages took out."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from .tables import read_table


def load_insurance() -> Bunch:
    """Whether farmers of 44 villages took out insurance: real data, two classes in groups of 4 to 78 rows.

    An experiment in China on rice farmers, who were told of insurance against weather [1]_.

    Returns
    -------
    data : Bunch
        ``data`` (1410, 9), in which NaN is missing: the age of the head of the household in years; the size of the
        household; the area of rice in mu, a fifteenth of a hectare; the probability of a disaster in the next year, in
        per cent, as the farmer sees it; the aversion to risk, 0 to 1; and four indicators: whether the head is a man,
        reads and writes, was offered insurance as the default, and was told of it at length. ``target`` (1410,),
        ``"no"`` or ``"yes"``; ``groups`` (1410,), the village; and ``feature_names``.

    References
    ----------
    .. [1] Cai, de Janvry and Sadoulet (2015), "Social networks and the decision to insure", American Economic Journal:
       Applied Economics 7(2). The table is ``social_insure`` of the R package causaldata, under the MIT licence.

    Examples
    --------
    >>> from skhbnn.datasets import load_insurance
    >>> load_insurance().data.shape
    (1410, 9)
    """
    data = read_table("insurance", target="insured", group="village")
    data.target = np.where(data.target == "1", "yes", "no")  # (sample,)
    return data
