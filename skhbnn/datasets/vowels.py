"""Vowels of fifteen speakers, recorded."""

from __future__ import annotations

from sklearn.utils import Bunch

from .tables import read_table


def load_vowels() -> Bunch:
    """Fifteen speakers say eleven vowels six times each: real data, with eleven classes in few large groups.

    Deterding's recordings [1]_. The features are log area ratios of the speech around the middle of each vowel, without
    a unit. A speaker's repetitions of a vowel follow one another.

    Returns
    -------
    data : Bunch
        ``data`` (990, 10); ``target`` (990,), the number of the vowel, 0 to 10; ``groups`` (990,), the number of the
        speaker, 0 to 14; and ``feature_names``.

    References
    ----------
    .. [1] "Connectionist Bench (Vowel Recognition - Deterding Data)", UCI Machine Learning Repository, under CC BY 4.0;
       https://archive.ics.uci.edu/ml/machine-learning-databases/undocumented/connectionist-bench/vowel/

    Examples
    --------
    >>> from skhbnn.datasets import load_vowels
    >>> load_vowels().data.shape
    (990, 10)
    """
    data = read_table("vowels", target="vowel", group="speaker")
    data.target, data.groups = data.target.astype(int), data.groups.astype(int)  # (sample,) each
    return data
