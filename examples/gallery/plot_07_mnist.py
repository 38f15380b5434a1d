"""
Handwritten digits by minibatch ADVI
====================================

A wide network on many rows is not for NUTS. ``inference="advi"`` fits a normal approximation of the posterior on random
minibatches, and the network still says how sure it is. (``examples/mnist.py`` is the long run: 300 units, all images,
beside a perceptron.)

Run it with the path of an ``.npz`` file of ``X_train``, ``y_train``, ``X_test`` and ``y_test``, pixels 0 to 255::

    python plot_07_mnist.py mnist.npz

or keep ``mnist_20k.npz`` in the folder that the environment variable ``SKHBNN_DATA`` names.
"""

# %%
# Sixty-four units, five thousand images
# --------------------------------------
# ``standardize=False``, for pixels share a unit: a corner that is black but once would come to weigh most.

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score, log_loss

from skhbnn import FlatBNNClassifier
from skhbnn.plotting import ElboDisplay, ReliabilityDisplay

path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(os.environ.get("SKHBNN_DATA", "."), "mnist_20k.npz")


def load(path, n_train=5000, n_test=2000):
    """Images as rows of grey values with mean 0 and standard deviation 1 over all pixels, and digits."""
    with np.load(path) as arrays:
        X, y = arrays["X_train"][:n_train], arrays["y_train"][:n_train]
        X_test, y_test = arrays["X_test"][:n_test], arrays["y_test"][:n_test]
    X, X_test = (images.reshape(len(images), -1).astype(float) for images in (X, X_test))  # (row, pixel)
    mean, std = X.mean(), X.std()
    return (X - mean) / std, y, (X_test - mean) / std, y_test


def fit(X, y):
    """The network; Adam comes closer in so few iterations than PyMC's own optimizer."""
    import pymc as pm

    network = FlatBNNClassifier(
        (64,),
        activation="relu",
        standardize=False,
        prior_scale=0.5,
        inference="advi",
        batch_size=128,
        max_iter=3000,
        draws=50,
        sample_kwargs={"obj_optimizer": pm.adam(learning_rate=3e-3)},
        random_state=0,
    )
    return network.fit(X, y)


# %%
# What to look at
# ---------------
# The evidence lower bound rises, ever more slowly, and has not levelled off, which ``diagnostics_`` says too: the long
# run goes on from here. The curve of reliability lies above the diagonal: so early in its fit the network is right more
# often than it claims.
#
# Then the digits. The upper row shows the most confident mistakes, the lower one the digits with the least confident
# guesses: some of them are hard to read for anybody. The standard deviation beside each probability is larger where the
# network is wrong; the means of both are printed.


def draw_digits(X, y, proba, std):
    """The most confident mistakes above, the least confident digits below."""
    guess, confidence = proba.argmax(axis=1), proba.max(axis=1)  # (row,) each
    wrong = np.flatnonzero(guess != y)
    chosen = [*wrong[np.argsort(-confidence[wrong])][:6], *np.argsort(confidence)[:6]]
    _, axes = plt.subplots(2, 6, figsize=(10, 4.4), layout="constrained")
    for ax, row in zip(axes.ravel(), chosen, strict=True):
        ax.imshow(X[row].reshape(28, 28), cmap="gray_r")
        title = f"{y[row]} taken for {guess[row]}" if guess[row] != y[row] else f"{y[row]}, rightly guessed"
        ax.set_title(f"{title}\np = {confidence[row]:.2f} ± {std[row, guess[row]]:.2f}", fontsize=9)
        ax.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("most confident\nmistakes")
    axes[1, 0].set_ylabel("least confident")


# %%
# The figures
# -----------

if path.is_file():
    X, y, X_test, y_test = load(path)
    network = fit(X, y)
    print(network.diagnostics_)
    proba, std = network.predict_proba(X_test), network.predict_std(X_test)  # (row, class)
    guess = proba.argmax(axis=1)  # (row,)
    right = guess == y_test  # (row,)
    spread = np.take_along_axis(std, guess[:, None], axis=1)[:, 0]  # (row,)
    print(f"accuracy {accuracy_score(y_test, guess):.3f}, log loss {log_loss(y_test, proba):.3f} nats")
    print(f"mean std of the probability of the guessed digit where it is right: {spread[right].mean():.3f}")
    print(f"where it is wrong: {spread[~right].mean():.3f}")
    ElboDisplay.from_estimator(network)
    ReliabilityDisplay.from_estimator(network, X_test, y_test)
    draw_digits(X_test, y_test, proba, std)
    plt.show()
else:
    print(f"Skipped: there is no {path}. Name an .npz file as the argument, or its folder in SKHBNN_DATA.")
