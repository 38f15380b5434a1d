"""Systems that predict counts in groups: functions of the rows that train, those that test, and a seed.

They return the expected counts of the test rows, (row,), and the logarithms of the probabilities of the counts that
came, (row,); None where a system cannot have the data.
"""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import poisson
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skhbnn import HierarchicalBNNRegressor

from .peers_of_numbers import FOLDS, coded


def over(part):
    """What the counts of rows are counted over, (row,)."""
    return np.ones(len(part.y)) if part.exposure is None else part.exposure


def fit_poisson(train, test, seed, **params):
    """Rates by skhbnn, with the exposure as the weight of a row."""
    model = HierarchicalBNNRegressor(likelihood="poisson", random_state=seed, **params)
    model.fit(train.X, train.y / over(train), groups=train.groups, sample_weight=over(train))
    means = over(test) * model.sample_mean(test.X, groups=test.groups)  # (draw, row)
    return means.mean(axis=0), logsumexp(poisson.logpmf(test.y, means), axis=0) - np.log(len(means))


def fit_negative_binomial(train, test, seed, **params):
    """Counts by skhbnn, with the logarithm of the exposure as one more input: the variance is not that of a rate."""

    def inputs(part):
        return part.X if part.exposure is None else np.column_stack([part.X, np.log(part.exposure)])

    model = HierarchicalBNNRegressor(likelihood="negative_binomial", random_state=seed, **params)
    model.fit(inputs(train), train.y, groups=train.groups)
    log_mass = model.log_predictive_density(inputs(test), test.y, groups=test.groups)  # (row,)
    return model.predict(inputs(test), groups=test.groups), log_mass


def of_rates(search, X, X_new, train, test):
    """Poisson distributions around the rates of a search of four folds."""
    rates = search.fit(X, train.y / over(train), sample_weight=over(train)).predict(X_new)  # (row,)
    return over(test) * rates, poisson.logpmf(test.y, over(test) * rates)


def fit_linear(train, test, seed):
    encoder, scaler = OneHotEncoder(sparse_output=False).fit(train.groups[:, None]), StandardScaler().fit(train.X)
    X, X_new = (
        np.column_stack([scaler.transform(part.X), encoder.transform(part.groups[:, None])]) for part in (train, test)
    )
    # The penalty stands beside the weighted mean deviance of a row, which is as small as a rate.
    rate = train.y.sum() / over(train).sum()
    grid = {"alpha": rate * np.logspace(-5, 1, 13)}
    model = PoissonRegressor(solver="newton-cholesky", tol=1e-6 * rate)
    return of_rates(GridSearchCV(model, grid, scoring="neg_mean_poisson_deviance", cv=FOLDS), X, X_new, train, test)


def fit_boosting(train, test, seed):
    grid = {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [4, 8, 31], "min_samples_leaf": [5, 20]}
    model = HistGradientBoostingRegressor(
        loss="poisson", categorical_features=[0], early_stopping=True, max_iter=500, random_state=seed
    )
    search = GridSearchCV(model, grid, scoring="neg_mean_poisson_deviance", cv=FOLDS, n_jobs=-1)
    return of_rates(search, *coded(train, test), train, test)


def log_normal(y, fixed, effect):
    """Expected counts, and log probabilities of counts y (row,), of latent normal effects by Gauss and Hermite."""
    places, weights = np.polynomial.hermite_e.hermegauss(30)  # (place,) each
    mean, variance = effect  # (row,) each
    means = np.exp(fixed + mean + np.sqrt(variance) * places[:, None])  # (place, row)
    weights = weights[:, None] / weights.sum()  # (place, 1)
    return np.sum(weights * means, axis=0), logsumexp(poisson.logpmf(y, means), b=weights, axis=0)


def fit_gpboost(train, test, seed):
    import gpboost

    if train.exposure is not None:  # its trees take no offset beside random effects
        return None

    def intercepts():
        return gpboost.GPModel(group_data=train.groups, likelihood="poisson")

    params = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 10, "verbose": 0, "seed": seed}
    folds, limits = list(FOLDS.split(train.X)), {"num_boost_round": 400, "early_stopping_rounds": 20}
    rows = gpboost.Dataset(train.X, train.y)
    found = gpboost.cv(params, rows, gp_model=intercepts(), folds=folds, verbose_eval=False, **limits)
    n_trees, rows = len(next(iter(found.values()))), gpboost.Dataset(train.X, train.y)
    booster = gpboost.train(params, rows, num_boost_round=n_trees, gp_model=intercepts())
    found = booster.predict(data=test.X, group_data_pred=test.groups, predict_var=True, pred_latent=True)
    return log_normal(test.y, found["fixed_effect"], (found["random_effect_mean"], found["random_effect_cov"]))


def fit_mixed(train, test, seed):
    import gpboost

    scaler = StandardScaler().fit(train.X)
    X, X_new = (np.column_stack([np.ones(len(part.y)), scaler.transform(part.X)]) for part in (train, test))
    model = gpboost.GPModel(group_data=train.groups, likelihood="poisson")
    model.fit(y=train.y, X=X, offset=np.log(over(train)))
    new = {"X_pred": X_new, "group_data_pred": test.groups, "offset_pred": np.log(over(test))}
    found = model.predict(predict_var=True, predict_response=False, **new)
    return log_normal(test.y, 0.0, (found["mu"], found["var"]))


SYSTEMS = {
    "PoissonRegressor, one-hot group": fit_linear,
    "mixed model": fit_mixed,
    "HistGradientBoosting": fit_boosting,
    "GPBoost": fit_gpboost,
    "skhbnn, Poisson": fit_poisson,
    "skhbnn, negative binomial": fit_negative_binomial,
}
