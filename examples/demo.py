"""The 2018 article rerun, or the same models on a CSV of yours.

    python examples/demo.py
    python examples/demo.py data.csv --target COLUMN --group COLUMN --hidden 10

Wiecki (2018), "Hierarchical Bayesian Neural Networks with Informative Priors",
https://twiecki.io/blog/2018/08/13/hierarchical_bayesian_neural_network/
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from demo_csv import run_csv, split_rows
from demo_load import load_csv
from demo_models import (
    Rows,
    Split,
    fit_per_group,
    fit_together,
    flat_maker,
    informed_maker,
    print_table,
    warm_up,
)

from skhbnn import HierarchicalBNNClassifier
from skhbnn.datasets import make_rotated_moons


def run_article(settings, folder):
    """The article's models on the article's data, then groups that no fit has seen."""
    settings = {**settings, "hidden_layer_sizes": (5, 5), "fit_intercept": False, "prior_scale": 1.0}
    splits = []
    for seed in (31, 777):  # the article's groups, and new ones
        X, X_test, y, y_test, groups, groups_test = make_rotated_moons(random_state=seed)
        splits.append(Split(Rows(X, y, groups), Rows(X_test, y_test, groups_test), np.array([0, 1])))
    split, new = splits
    make_flat = flat_maker(settings, split.classes)
    flat = fit_per_group("flat, one per group", make_flat, split)
    model = HierarchicalBNNClassifier(**settings, pooling="partial", verbose=1)
    hierarchical = fit_together("hierarchical", model, split, with_groups=True)
    article_prior = informed_maker(model, covariance="layer", prior_chains=0, align=False)
    outcomes = [flat, hierarchical, fit_per_group("informed, as in the article", article_prior, split)]
    for n_rows in (50, 10):
        position = np.arange(len(new.train.y)) % 50  # (row,), within its group
        some = Split(new.train[position < n_rows], new.test, new.classes)
        for name, make in (("flat", make_flat), ("informed", informed_maker(model))):
            outcomes.append(fit_per_group(f"new groups, {n_rows} rows: {name}", make, some))

    from demo_figures import save_group_panels, save_overview  # only this run needs Matplotlib

    print("figures ...", file=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    losses = [o.test_losses().reshape(18, 50).mean(axis=1) for o in (flat, hierarchical)]  # (group,) each
    paths = save_group_panels(folder, model)
    paths.append(save_overview(folder, flat.models, model, *losses))
    print_table(
        outcomes,
        article={
            "flat, one per group": "86.78 / 83.78 %",
            "hierarchical": "91.11 / 89.78 %",
            "informed, as in the article": "91.56 / 87.11 %",
        },
    )
    scale = model.posterior_.group_scale.mean(axis=(0, 1))  # (layer,)
    widest = "the last layer, as in the article" if scale.argmax() == 2 else f"layer {scale.argmax()}"
    listed = ", ".join(f"layer {i} {s:.2f}" for i, s in enumerate(scale))
    print(f"Group scales (posterior mean): {listed}.\nThe groups differ most in {widest}.")
    print("Saved:", *map(os.path.relpath, paths), sep="\n  ")


def main():
    parser = argparse.ArgumentParser(description="The 2018 article rerun, or the same models on a CSV of yours.")
    parser.add_argument("csv", nargs="?", help="without it, the article is rerun")
    parser.add_argument("--target", metavar="COLUMN", help="classes, not numbers (with a CSV)")
    parser.add_argument("--group", metavar="COLUMN", help="groups (with a CSV)")
    parser.add_argument("--drop", metavar="COLUMN", action="append", default=[], help="leave it out; repeatable")
    parser.add_argument("--hidden", metavar="N", type=int, nargs="+", help="units of each hidden layer; 5 5 by default")
    parser.add_argument("--folds", metavar="N", type=int, help="folds, of which one tests; 2 by default, half and half")
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--tune", type=int, help="steps that adapt the sampler; 300, of a CSV 150 by default")
    parser.add_argument("--draws", type=int, help="steps that are kept; 200, of a CSV 100 by default")
    parser.add_argument("--figures", metavar="DIR", type=Path, help="of the article; examples/figures by default")
    options = parser.parse_args()
    shorter = 1 if options.csv is None else 2
    options.tune, options.draws = options.tune or 300 // shorter, options.draws or 200 // shorter
    if min(options.chains, options.tune, options.draws, *(options.hidden or [1])) < 1 or options.draws < 4:
        parser.error("--hidden, --chains and --tune must be 1 at least, and --draws 4")
    settings = {"chains": options.chains, "tune": options.tune, "draws": options.draws, "n_jobs": 2, "random_state": 0}
    if options.csv is None:
        for name in ("target", "group", "drop", "hidden", "folds"):
            if getattr(options, name):
                parser.error(f"--{name.replace('_', '-')} goes with a CSV: the article has its own data and network")
        warm_up(settings)
        return run_article(settings, options.figures or Path(__file__).parent / "figures")
    if options.figures:
        parser.error("--figures goes with the article; the gallery has pictures of tables")
    if not (options.target and options.group):
        parser.error("a CSV needs --target COLUMN and --group COLUMN")
    n_folds = 2 if options.folds is None else options.folds
    if n_folds < 2:
        parser.error("--folds must be 2 at least")
    split = split_rows(load_csv(options.csv, options.target, options.group, options.drop), n_folds)
    warm_up(settings)
    run_csv({**settings, "hidden_layer_sizes": tuple(options.hidden or (5, 5))}, split)


if __name__ == "__main__":
    main()
