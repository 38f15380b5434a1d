"""Handwritten digits by minibatch ADVI: a flat Bayesian network beside a perceptron of the same size.

    python examples/mnist.py                     # all 60,000 training images, from openml.org
    python examples/mnist.py mnist.npz           # X_train, y_train, X_test, y_test

Prints accuracy, log loss and calibration error, and how sure the network is where it is right and where it is wrong;
draws its most confident mistakes and its least confident digits.
"""

import argparse
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from skhbnn import FlatBNNClassifier

mpl.use("Agg")


def load(path):
    """Images as rows of grey values with mean 0 and standard deviation 1 over all pixels, and digits."""
    if path is None:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        parts = [X[:60_000], y[:60_000].astype(int), X[60_000:], y[60_000:].astype(int)]
    else:
        with np.load(path) as arrays:
            parts = [arrays[name] for name in ("X_train", "y_train", "X_test", "y_test")]
    X, y, X_test, y_test = parts
    X, X_test = (images.reshape(len(images), -1).astype(float) for images in (X, X_test))  # (row, pixel)
    mean, std = X.mean(), X.std()
    return (X - mean) / std, y, (X_test - mean) / std, y_test


def calibration_error(y, proba, n_bins=15):
    """Expected calibration error: the mean gap between confidence and accuracy over bins of confidence."""
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == y  # (row,)
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)  # (row,)
    gaps = [abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(n_bins)]
    return sum(gaps) / len(y)


def scores(title, y, proba, seconds):
    """One line of the table."""
    accuracy, loss = np.mean(proba.argmax(axis=1) == y), log_loss(y, proba)
    return f"{title:<36}{accuracy:>9.4f}{loss:>11.4f}{calibration_error(y, proba):>13.4f}{seconds:>10.0f}"


def draw(path, X, y, proba, std):
    """The most confident mistakes above, the least confident digits below."""
    import matplotlib.pyplot as plt

    guess, confidence = proba.argmax(axis=1), proba.max(axis=1)  # (row,)
    wrong = np.flatnonzero(guess != y)
    chosen = [*wrong[np.argsort(-confidence[wrong])][:8], *np.argsort(confidence)[:8]]
    figure, axes = plt.subplots(2, 8, figsize=(12, 4.2), layout="constrained")
    for ax, row in zip(axes.ravel(), chosen, strict=True):
        ax.imshow(X[row].reshape(28, 28), cmap="gray_r")
        ax.set_title(
            f"{y[row]} taken for {guess[row]}\np = {confidence[row]:.2f} ± {std[row, guess[row]]:.2f}", fontsize=9
        )
        ax.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("most confident\nmistakes")
    axes[1, 0].set_ylabel("least confident")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?", type=Path, help="an .npz file; without it the images are fetched")
    parser.add_argument("--units", type=int, default=300)
    parser.add_argument("--max-iter", type=int, default=6_000)
    parser.add_argument("--figures", type=Path, default=Path(__file__).parent / "figures")
    arguments = parser.parse_args()
    X, y, X_test, y_test = load(arguments.path)

    lines = []
    for title, settings in (("", {}), (", early stopping", {"early_stopping": True})):
        start = time.perf_counter()
        mlp = MLPClassifier((arguments.units,), random_state=0, **settings).fit(X, y)
        seconds = time.perf_counter() - start
        lines.append(scores(f"MLPClassifier{title}", y_test, mlp.predict_proba(X_test), seconds))

    import pymc as pm

    start = time.perf_counter()
    network = FlatBNNClassifier(
        (arguments.units,),
        activation="relu",
        standardize=False,  # pixels share a unit; a corner that is black but once would come to weigh most
        prior_scale=0.5,
        inference="advi",
        batch_size=128,
        max_iter=arguments.max_iter,
        draws=100,
        sample_kwargs={"obj_optimizer": pm.adam(learning_rate=1e-3)},
        random_state=0,
        verbose=1,
    ).fit(X, y)
    proba, std = network.predict_proba(X_test), network.predict_std(X_test)  # (row, class)
    lines.append(scores("FlatBNNClassifier, minibatch ADVI", y_test, proba, time.perf_counter() - start))

    print(f"{len(y)} training and {len(y_test)} test images, {arguments.units} units\n")
    print(f"{'':<36}{'accuracy':>9}{'log loss':>11}{'calibration':>13}{'seconds':>10}")
    print("\n".join(lines))
    guess = proba.argmax(axis=1)  # (row,)
    spread = std[np.arange(len(guess)), guess]  # (row,)
    right = guess == y_test  # (row,)
    print(
        "\nStandard deviation of the probability of the guessed digit, mean:\n"
        f"{spread[right].mean():.3f} where it is right, {spread[~right].mean():.3f} where it is wrong."
    )
    arguments.figures.mkdir(parents=True, exist_ok=True)
    draw(arguments.figures / "mnist.png", X_test, y_test, proba, std)
    print(f"Drew {arguments.figures / 'mnist.png'}.")


if __name__ == "__main__":
    main()
