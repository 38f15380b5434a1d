"""Systems that predict numbers in groups: functions of the rows that train, those that test, and a seed.

They return the predicted distributions as `Predicted`, or None where a system cannot have the data.
"""

from functools import partial

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.preprocessing import OneHotEncoder

from skhbnn import HierarchicalBNNRegressor

from .predicted_numbers import COVERAGE, Predicted, crps_of_draws, mixture, normal

FOLDS = KFold(4, shuffle=True, random_state=0)
MOST_ROWS = {"MERF": 1_500, "bde": 500}  # that train, beyond which a fit takes minutes
MOST_SLOPES = 2


def fit_skhbnn(train, test, seed, **params):
    """Predictions of the hierarchical regressor, by its defaults but for some parameters."""
    model = HierarchicalBNNRegressor(random_state=seed, **params).fit(train.X, train.y, groups=train.groups)
    return Predicted(
        model.predict(test.X, groups=test.groups),
        model.log_predictive_density(test.X, test.y, groups=test.groups),
        model.predict_interval(test.X, groups=test.groups, coverage=COVERAGE),
        crps_of_draws(test.y, model.sample_predictive(test.X, groups=test.groups, random_state=seed)),
    )


def fit_gpboost(train, test, seed):
    import gpboost

    def intercepts():
        return gpboost.GPModel(group_data=train.groups, likelihood="gaussian")

    params = {"learning_rate": 0.05, "num_leaves": 8, "min_data_in_leaf": 10, "verbose": 0, "seed": seed}
    found = gpboost.cv(
        params,
        gpboost.Dataset(train.X, train.y),
        gp_model=intercepts(),
        num_boost_round=400,
        early_stopping_rounds=20,
        folds=list(FOLDS.split(train.X)),
        verbose_eval=False,
    )
    n_trees, rows = len(next(iter(found.values()))), gpboost.Dataset(train.X, train.y)
    booster = gpboost.train(params, rows, num_boost_round=n_trees, gp_model=intercepts())
    found = booster.predict(data=test.X, group_data_pred=test.groups, predict_var=True, pred_latent=False)
    return normal(test.y, found["response_mean"], np.sqrt(found["response_var"]))


def fit_catboost(train, test, seed):
    import pandas as pd
    from catboost import CatBoostRegressor, Pool

    def pool(part):
        table = pd.DataFrame(part.X).assign(group=part.groups.astype(str))
        return Pool(table, label=part.y, cat_features=["group"])

    fitting, stopping = train_test_split(np.arange(len(train.y)), test_size=0.2, random_state=0)
    params = {"verbose": False, "random_seed": seed, "allow_writing_files": False}
    params["loss_function"] = "RMSEWithUncertainty"
    first = CatBoostRegressor(iterations=2_000, early_stopping_rounds=50, **params)
    first.fit(pool(train.rows(fitting)), eval_set=pool(train.rows(stopping)))
    # The rate that CatBoost chose for so many rows is kept.
    rate, n_trees = first.get_all_params()["learning_rate"], max(first.get_best_iteration() + 1, 1)
    last = CatBoostRegressor(iterations=n_trees, learning_rate=rate, **params).fit(pool(train))
    mean, variance = last.predict(pool(test)).T  # (row,) each
    return normal(test.y, mean, np.sqrt(variance))


def coded(train, test):
    """Inputs of both parts with the code of the group as the first column, (row, column) each."""
    known = np.unique(train.groups)  # (group,)
    return [np.column_stack([np.searchsorted(known, part.groups), part.X]) for part in (train, test)]


def fit_boosting(train, test, seed):
    X, X_new = coded(train, test)
    grid = {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [4, 8, 31], "min_samples_leaf": [5, 20]}
    model = HistGradientBoostingRegressor(
        categorical_features=[0], early_stopping=True, max_iter=500, random_state=seed
    )
    search = GridSearchCV(model, grid, scoring="neg_mean_squared_error", cv=FOLDS, n_jobs=-1).fit(X, train.y)
    return normal(test.y, search.predict(X_new), np.sqrt(-search.best_score_))


def fit_merf(train, test, seed):
    import pandas as pd
    from merf import MERF
    from sklearn.ensemble import RandomForestRegressor

    if len(train.y) > MOST_ROWS["MERF"]:
        return None

    def predicted(fitting, new):
        forest = RandomForestRegressor(random_state=seed)
        ones, groups = (np.ones((len(part.y), 1)) for part in (fitting, new)), pd.Series(fitting.groups)
        of_fitting, of_new = ones
        model = MERF(forest, max_iterations=10).fit(fitting.X, of_fitting, groups, fitting.y)
        return model.predict(new.X, of_new, pd.Series(new.groups))  # (row,)

    held_out = np.empty(len(train.y))  # (row,)
    for fitting, new in FOLDS.split(train.X):
        held_out[new] = predicted(train.rows(fitting), train.rows(new))
    return normal(test.y, predicted(train, test), np.sqrt(np.mean((train.y - held_out) ** 2)))


def fit_mixed(train, test, seed):
    import statsmodels.api as sm

    shift, scale = train.X.mean(axis=0), train.X.std(axis=0)  # (feature,) each
    X, X_new = ((part.X - shift) / np.where(scale > 0, scale, 1) for part in (train, test))  # (row, feature) each
    known, code = np.unique(train.groups, return_inverse=True)  # (group,), (row,)
    within = X - np.stack([X[code == k].mean(axis=0) for k in range(len(known))])[code]  # (row, feature)
    is_number = np.array([len(np.unique(column)) > 2 for column in X.T])  # (feature,)
    sloped = np.flatnonzero(is_number & (within.std(axis=0) > 0.1))[:MOST_SLOPES]
    fixed, fixed_new = (np.column_stack([np.ones(len(x)), x]) for x in (X, X_new))  # (row, column) each
    _, size, directions = np.linalg.svd(fixed, full_matrices=False)
    basis = directions[size > 1e-8 * size[0]].T  # (column, effect): some columns say what others say
    fixed, fixed_new = fixed @ basis, fixed_new @ basis  # (row, effect) each
    random, random_new = (np.column_stack([np.ones(len(x)), x[:, sloped]]) for x in (X, X_new))  # (row, effect) each
    fit = sm.MixedLM(train.y, fixed, groups=train.groups, exog_re=random).fit(reml=True)
    effects, covs = fit.random_effects, fit.random_effects_cov
    mean, variance = fixed_new @ fit.fe_params, np.full(len(test.y), fit.scale)  # (row,) each
    for group in known:
        rows = np.flatnonzero(test.groups == group)
        z = random_new[rows]  # (row, effect)
        mean[rows] += z @ np.asarray(effects[group])
        variance[rows] += np.einsum("ri,ij,rj->r", z, np.asarray(covs[group]), z)
    return normal(test.y, mean, np.sqrt(variance))


def fit_bde(train, test, seed):
    import jax
    from bde import BdeRegressor

    if len(train.y) > MOST_ROWS["bde"]:
        return None
    encoder = OneHotEncoder(sparse_output=False).fit(train.groups[:, None])
    shift, scale = train.X.mean(axis=0), train.X.std(axis=0)  # (feature,) each
    X, X_new = (
        np.column_stack([(part.X - shift) / scale, encoder.transform(part.groups[:, None])]) for part in (train, test)
    )
    centre, unit = train.y.mean(), train.y.std()
    settings = {"hidden_layers": [16, 16], "n_members": 4, "epochs": 500, "warmup_steps": 1000, "n_samples": 200}
    model = BdeRegressor(**settings, seed=seed).fit(X, (train.y - centre) / unit)
    raw = np.array(model.predict(X_new, raw=True))  # (member, draw, row, 2)
    raw = raw.reshape(-1, *raw.shape[2:])  # (draw, row, 2)
    means, sds = centre + unit * raw[..., 0], unit * np.array(jax.nn.softplus(raw[..., 1]))  # (draw, row) each
    return mixture(test.y, means, sds, np.random.default_rng(seed))


SYSTEMS = {
    "mixed model": fit_mixed,
    "HistGradientBoosting": fit_boosting,
    "CatBoost": fit_catboost,
    "GPBoost": fit_gpboost,
    "MERF": fit_merf,
    "bde": fit_bde,
    "skhbnn": fit_skhbnn,
    "skhbnn, Student's t": partial(fit_skhbnn, likelihood="student_t"),
}
