"""Real data in groups: numbers, counts and ordered classes by skhbnn beside its peers.

Of numbers and counts half of each group's rows train, drawn at random, the other half test, so that every group is
known. Inputs are those of `benchmarks/grouped_data.py`; all systems get equal columns. skhbnn has its defaults but for
the likelihood that is named. Means over splits: three of numbers and counts, two of ordered classes. Seconds are of the
whole fit, the search for its settings included, and of the predictions.

**Numbers.** The negative log predictive density is in nats, of a density per unit of the target; RMSE and CRPS, the
continuous ranked probability score, are in the unit of the target; coverage is the share of targets within the central
intervals of 90 %. HistGradientBoosting and MERF predict no distribution: theirs is normal, with the root mean square of
cross-validated residuals of the training rows as its standard deviation.

- mixed model: MixedLM of statsmodels, with intercepts of groups, and their slopes on up to two numbers that vary within
  groups; normal around the prediction, with the variance of the noise and of the group's effects.
- HistGradientBoosting of scikit-learn: the group as a category; 12 settings by a search of 4 folds.
- CatBoost: the group as a category, the loss `RMSEWithUncertainty`, which predicts a variance for each row; the number
  of trees by early stopping on a fifth of the rows, then fitted to all.
- GPBoost: trees with a random intercept for each group and normal noise, the number of trees by 4 folds.
- MERF: a random forest with a random intercept for each group, of up to 1,500 rows; residuals of 4 folds.
- bde: an ensemble of sampled networks, the group one-hot, of up to 500 rows.

**Counts.** The deviance is Poisson's, of a row, of the expected count; the negative log predictive probability is in
nats. Deaths on the roads (Fatalities) have the population as their exposure: y is the rate and `sample_weight` the
exposure, but for the negative binomial model, which has the logarithm of the exposure as one more input, and the mixed
model, which has it as an offset.

- PoissonRegressor of scikit-learn: the group one-hot; the strength of regularisation by a search of 4 folds.
- mixed model: Poisson with a random intercept for each group, of GPBoost; the intercepts are integrated out.
- HistGradientBoosting with `loss="poisson"`, as above.
- GPBoost: trees with a random intercept for each group, as above, without exposures.

**Ordered classes.** Log loss is in nats; one row in three of each group trains, or one in ten. Chem97 has 200 of its
schools, and InstEval 200 of its lecturers. `"auto"` are classes without an order. The peers are those of
[the classes](real.md).
"""

import json
import sys
from functools import partial

import numpy as np

from skhbnn import HierarchicalBNNClassifier

from . import peers_of_counts, peers_of_numbers, real
from .common import observed, scores
from .grouped_data import COUNTS, NUMBERS, ORDERED, find, halves, one_in, read_numbers, read_ordered, some_groups

SEEDS = (0, 1, 2)  # of the split and of what is random in a fit
SEEDS_OF_CLASSES = (0, 1)
SHARES = {"a third": 3, "a tenth": 10}  # of the rows that train
N_GROUPS = 200  # of ordered classes
FEW = 200  # rows that load what a first fit loads


def fit_classes(train, test, seed, likelihood):
    model = HierarchicalBNNClassifier(likelihood=likelihood, random_state=seed)
    return model.fit(train.X, train.y, groups=train.groups).predict_proba(test.X, groups=test.groups)


CLASSES = {
    **{system: real.SYSTEMS[system] for system in ("logistic, intercepts", "HistGradientBoosting", "CatBoost")},
    'skhbnn, "auto"': partial(fit_classes, likelihood="auto"),
    'skhbnn, "ordinal"': partial(fit_classes, likelihood="ordinal"),
}


def scores_of_counts(y, found):
    """Scores of expected counts and log probabilities, (row,) each, by name."""
    from sklearn.metrics import mean_poisson_deviance

    mean, log_mass = found
    return {"deviance": mean_poisson_deviance(y, mean), "negative log probability": float(-log_mass.mean())}


def scores_of_classes(y, proba):
    """Scores of probabilities (row, class), by name."""
    accuracy, log_loss = scores(y, proba)
    return {"log loss": log_loss, "accuracy": accuracy}


def splits_of_numbers(folder, names):
    """What the splits are named, seed, and Tables of the rows that train and that test."""
    for name in names:
        table = read_numbers(folder, name)
        for seed in SEEDS:
            yield {"set": name}, seed, *(table.rows(rows) for rows in halves(table.groups, seed))


def splits_of_classes(folder, names):
    """What the splits are named, seed, and Tables of the rows that train and that test."""
    for name in names:
        table = some_groups(read_ordered(folder, name), N_GROUPS, 0)
        for share, n in SHARES.items():
            for seed in SEEDS_OF_CLASSES:
                train, test = (table.rows(rows) for rows in one_in(n, table.groups, seed))
                yield {"set": name, "rows that train": f"{share}: {len(train.y):,}"}, seed, train, test


TASKS = {  # by their titles: sets, splits, systems, and the scores of what a system returns
    "Numbers": (NUMBERS, splits_of_numbers, peers_of_numbers.SYSTEMS, lambda y, found: found.scores(y)),
    "Counts": (COUNTS, splits_of_numbers, peers_of_counts.SYSTEMS, scores_of_counts),
    "Ordered classes": (ORDERED, splits_of_classes, CLASSES, scores_of_classes),
}


def run(folder):
    tables, missing = {}, {}
    for title, (sets, splits, systems, judged) in TASKS.items():
        names = [name for name in sets if find(folder, name)]
        if names:
            load(systems, *next(splits(folder, names))[2:])
            tables[title] = measured(splits(folder, names), systems, judged, missing)
    if not tables:
        names = ", ".join(f"{name}.csv" for name in NUMBERS | COUNTS | ORDERED)
        raise FileNotFoundError(f"{folder} (of --data) has none of {names}.")
    left_out = [{"system": system, "left out": why} for system, why in missing.items()]
    return tables | ({"Left out": left_out} if left_out else {})


def load(systems, train, test):
    """Let each system fit a few rows, so that no time is that of imports and of compilation."""
    for fit in systems.values():
        try:
            observed(
                fit, train.rows(slice(FEW)), test.rows(np.flatnonzero(np.isin(test.groups, train.groups[:FEW]))), 0
            )
        except ImportError:
            continue


def measured(splits, systems, judged, missing):
    """A row of each set and system, with the means over seeds; systems that are missing are noted in a dict."""
    found: dict = {}
    for names, seed, train, test in splits:
        for system, fit in systems.items():
            try:
                predicted, seconds, warned = observed(fit, train, test, seed)
            except ImportError as error:
                missing[system] = str(error)
                continue
            if predicted is None:
                continue
            result = {**judged(test.y, predicted), "seconds": seconds, "warned": float(warned)}
            print(json.dumps({**names, "seed": seed, "system": system, **result}), file=sys.stderr, flush=True)
            found.setdefault((*names.items(), ("system", system)), []).append(result)
    return [dict(names) | means(results) for names, results in found.items()]


def means(results):
    """Means over seeds of results, which are dicts with equal keys; of warnings the share."""
    mean = {key: float(np.mean([result[key] for result in results])) for key in results[0]}
    return mean | {"warned": f"{mean['warned']:.0%}"}
