"""Real data in groups, for classification: what is read of each file, and how its rows are split.

The folder of ``--data``, or a subfolder ``grouped``, has the files of CLASSIFICATION. contraception, guPrenat
and Chem97 are of the R package mlmRev; verbagg of lme4; KosteckiDillon of carData; Train, Catsup and Cracker of Ecdat;
social_insure and thornton_hiv of causaldata; soup of ordinal; Males of plm; ohio of geepack; and vowel of the UCI
Machine Learning Repository.
"""

from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """What is read of a file: target, group, columns of numbers (or how their names begin), columns of categories."""

    target: str
    group: str
    numbers: str
    categories: str = ""


CLASSIFICATION = {
    "contraception": Source("use", "district", "age", "livch urban"),
    "verbagg": Source("r2", "id", "Anger", "Gender btype situ mode"),
    "guPrenat": Source(
        *("prenat", "cluster", "pcInd81 ssDist", "childAge motherAge birthOrd indig momEd husEd husEmpl toilet TV")
    ),
    "Train": Source("choice", "id", "price1 time1 change1 comfort1 price2 time2 change2 comfort2"),
    "KosteckiDillon": Source("headache", "id", "time age airq", "hatype medication sex"),
    "Catsup": Source("choice", "id", "disp. feat. price."),
    "Cracker": Source("choice", "id", "disp. feat. price."),
    "social_insure": Source(
        *("takeup_survey", "village", "age agpop ricearea_2010 disaster_prob risk_averse"),
        "male default intensive literacy",
    ),
    "thornton_hiv": Source("got", "villnum", "distvct tinc any age", "hiv2004"),
    "soup": Source("PROD", "RESP", "SURENESS", "DAY SOUPTYPE SOUPFREQ COLD EASY"),
    "vowel": Source("vowel", "speaker", "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9"),
    "Males": Source("union", "nr", "year school exper wage", "ethn married health occupation"),
    "ohio": Source("resp", "id", "age smoke"),
    "Chem97": Source("score", "school", "age gcsescore", "gender"),
}


class Table(NamedTuple):
    """Rows of a file, as every model takes them."""

    X: np.ndarray  # (row, feature): numbers, and categories one-hot but for the first
    y: np.ndarray  # (row,): class codes
    groups: np.ndarray  # (row,)

    def rows(self, positions):
        """Some of the rows."""
        return self._replace(X=self.X[positions], y=self.y[positions], groups=self.groups[positions])


def find(folder, name):
    """Path of the file of a name, in the folder or below ``grouped``; None where there is none."""
    paths = [folder / f"{name}.csv", folder / "grouped" / f"{name}.csv"]
    return next((path for path in paths if path.is_file()), None)


def read(folder, name):
    """The rows of a file as a Table: missing numbers are medians, rows without target or group are left out."""
    import pandas as pd

    path, source = find(folder, name), CLASSIFICATION[name]
    if path is None:
        raise FileNotFoundError(f"{folder} (of --data) has no {name}.csv, nor has a folder grouped in it.")
    frame = pd.read_csv(path, keep_default_na=False, na_values=["NA", ""]).dropna(subset=[source.target, source.group])
    wanted = source.numbers.split()
    chosen = [c for c in frame if c in wanted or any(w.endswith(".") and c.startswith(w) for w in wanted)]
    numbers = frame[chosen].astype(float)
    inputs = numbers.fillna(numbers.median())
    if source.categories:
        categories = frame[source.categories.split()].astype(str)
        inputs = inputs.join(pd.get_dummies(categories, drop_first=True, dtype=float))
    _, y = np.unique(frame[source.target].astype(str), return_inverse=True)  # (row,)
    return Table(inputs.to_numpy(), y, frame[source.group].to_numpy())


def halves(groups, seed):
    """Positions of the rows that train and of those that test: half of each group's rows, drawn at random."""
    rng, train = np.random.default_rng(seed), np.zeros(len(groups), dtype=bool)  # (row,)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        train[rows[: (len(rows) + 1) // 2]] = True
    return np.flatnonzero(train), np.flatnonzero(~train)
