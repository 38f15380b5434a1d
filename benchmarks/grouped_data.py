"""Real data in groups: what is read of each file, and how its rows are split.

The folder of ``--data``, or a subfolder ``grouped``, has the files. contraception, guPrenat, Chem97 and Exam are of the
R package mlmRev; verbagg, insteval and sleepstudy of lme4; KosteckiDillon of carData; Train, Catsup and Cracker of
Ecdat; social_insure and thornton_hiv of causaldata; soup of ordinal; Males of plm; ohio of geepack; MathAchieve and
Oxboys of nlme; radon of HLMdiag; nlschools and epil of MASS; Fatalities of AER; and vowel of the UCI Machine Learning
Repository.
"""

from typing import NamedTuple

import numpy as np


class Source(NamedTuple):
    """What is read of a file: target, group, columns of numbers (or how their names begin), columns of categories."""

    target: str
    group: str
    numbers: str
    categories: str = ""
    exposure: str = ""  # what the target is counted over
    crossed: str = ""  # whose labels cross the groups


CLASSIFICATION = {
    "contraception": Source("use", "district", "age", "livch urban"),
    "verbagg": Source("r2", "id", "Anger", "Gender btype situ mode", crossed="item"),
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
NUMBERS = {
    "sleepstudy": Source("Reaction", "Subject", "Days"),
    "Oxboys": Source("height", "Subject", "age"),
    "radon": Source("log.radon", "county", "basement uranium"),
    "nlschools": Source("lang", "class", "IQ GS SES", "COMB"),
    "Exam": Source("normexam", "school", "standLRT schavg", "sex vr intake schgend type"),
    "MathAchieve": Source("MathAch", "School", "SES MEANSES", "Sex Minority"),
}
COUNTS = {
    "epil": Source("y", "subject", "base age period", "trt"),
    "Fatalities": Source("fatal", "state", "year beertax unemp income drinkage miles", exposure="pop"),
}
ORDERED = {  # targets are the classes in their order
    "soup": Source("SURENESS", "RESP", "EASY", "PROD DAY SOUPTYPE SOUPFREQ COLD"),
    "Chem97": Source("score", "school", "age gcsescore", "gender"),
    "insteval": Source("y", "d", "studage lectage service", "dept", crossed="s"),
}


class Table(NamedTuple):
    """Rows of a file, as every model takes them."""

    X: np.ndarray  # (row, feature): numbers, and categories one-hot but for the first
    y: np.ndarray  # (row,): class codes, or numbers
    groups: np.ndarray  # (row,)
    exposure: np.ndarray | None = None  # (row,): of counts
    crossed: np.ndarray | None = None  # (row,): labels that cross the groups

    def rows(self, positions):
        """Some of the rows."""
        return Table(*(None if array is None else array[positions] for array in self))


def find(folder, name):
    """Path of the file of a name, in the folder or below ``grouped``; None where there is none."""
    paths = [folder / f"{name}.csv", folder / "grouped" / f"{name}.csv"]
    return next((path for path in paths if path.is_file()), None)


def read(folder, name):
    """The rows of a file of CLASSIFICATION as a Table with class codes."""
    return _coded(_read(folder, name, CLASSIFICATION[name]), str)


def read_with_columns(folder, name, columns):
    """The rows of a file of classes as a Table with class codes, and columns of labels of them (row, column).

    The codes have the order of the targets where the file is one of ORDERED.
    """
    source, kind = (ORDERED[name], float) if name in ORDERED else (CLASSIFICATION[name], str)
    table = _coded(_read(folder, name, source), kind)
    frame = _frame(folder, name, source)
    return table, frame[list(columns)].to_numpy(dtype=object)


def read_ordered(folder, name):
    """The rows of a file of ORDERED as a Table whose class codes have the order of the targets."""
    return _coded(_read(folder, name, ORDERED[name]), float)


def read_numbers(folder, name):
    """The rows of a file of NUMBERS or COUNTS as a Table with numbers as targets."""
    table = _read(folder, name, (NUMBERS | COUNTS)[name])
    return table._replace(y=table.y.astype(float))


def _coded(table, kind):
    """A Table with class codes, of targets that are sorted as values of a type."""
    _, codes = np.unique(table.y.astype(kind), return_inverse=True)  # (row,)
    return table._replace(y=codes)


def _read(folder, name, source):
    """The rows of a file as a Table: missing numbers are medians, rows without target or group are left out."""
    import pandas as pd

    frame = _frame(folder, name, source)
    wanted = source.numbers.split()
    chosen = [c for c in frame if c in wanted or any(w.endswith(".") and c.startswith(w) for w in wanted)]
    numbers = frame[chosen].astype(float)
    inputs = numbers.fillna(numbers.median())
    if source.categories:
        categories = frame[source.categories.split()].astype(str)
        inputs = inputs.join(pd.get_dummies(categories, drop_first=True, dtype=float))
    exposure = frame[source.exposure].to_numpy(float) if source.exposure else None  # (row,)
    crossed = frame[source.crossed].to_numpy() if source.crossed else None  # (row,)
    return Table(inputs.to_numpy(), frame[source.target].to_numpy(), frame[source.group].to_numpy(), exposure, crossed)


def _frame(folder, name, source):
    """The rows of a file that have a target and a group, as a dataframe."""
    import pandas as pd

    path = find(folder, name)
    if path is None:
        raise FileNotFoundError(f"{folder} (of --data) has no {name}.csv, nor has a folder grouped in it.")
    return pd.read_csv(path, keep_default_na=False, na_values=["NA", ""]).dropna(subset=[source.target, source.group])


def some_groups(table, n_groups, seed):
    """The rows of some groups of a Table, drawn at random; all of them where it has no more."""
    known = np.unique(table.groups)  # (group,)
    chosen = np.random.default_rng(seed).permutation(known)[:n_groups]  # (chosen group,)
    return table.rows(np.flatnonzero(np.isin(table.groups, chosen)))


def halves(groups, seed):
    """Positions of the rows that train and of those that test: half of each group's rows, drawn at random."""
    return one_in(2, groups, seed)


def one_in(n, groups, seed):
    """Positions of the rows that train, one in n of each group's rows, drawn at random, and of those that test."""
    rng, train = np.random.default_rng(seed), np.zeros(len(groups), dtype=bool)  # (row,)
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        train[rows[: -(-len(rows) // n)]] = True
    return np.flatnonzero(train), np.flatnonzero(~train)
