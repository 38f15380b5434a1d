"""
Handwritten digits by minibatch ADVI
====================================

A wide network on many rows is not for NUTS. ``inference="advi"`` fits a normal approximation of the posterior on random
minibatches, and the network still says how sure it is. The images are the small ones of scikit-learn's ``load_digits``.
(``examples/mnist.py`` is the long run on MNIST: 300 units, all images, beside a perceptron.)
"""

# %%
# Sixty-four units, 1,200 images
# ------------------------------
# ``standardize=False``, for pixels share a unit: a corner that is black but once would come to weigh most. Adam needs
# fewer iterations than PyMC's own optimizer.

import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from skhbnn import FlatBNNClassifier
from skhbnn.plotting import ElboDisplay, ReliabilityDisplay

X, y = load_digits(return_X_y=True)  # (row, pixel), (row,)
X = (X - X.mean()) / X.std()
X, X_test, y, y_test = train_test_split(X, y, test_size=597, random_state=0, stratify=y)
network = FlatBNNClassifier(
    (64,),
    activation="relu",
    standardize=False,
    prior_scale=0.5,
    inference="advi",
    batch_size=128,
    draws=50,
    sample_kwargs={"obj_optimizer": pm.adam(learning_rate=3e-3)},
    random_state=0,
).fit(X, y)
print(network.diagnostics_)

# %%
# Has it converged?
# -----------------
# The evidence lower bound rises, ever more slowly. The fit stops where it has levelled off, and would warn if
# ``max_iter`` ended it before.

_ = ElboDisplay.from_estimator(network)

# %%
# How right, and how sure?
# ------------------------
# The standard deviation of a probability is larger where the network is wrong.

proba, std = network.predict_proba(X_test), network.predict_std(X_test)  # (row, class)
guess = proba.argmax(axis=1)  # (row,)
right = guess == y_test  # (row,)
spread = np.take_along_axis(std, guess[:, None], axis=1)[:, 0]  # (row,)
print(f"accuracy {accuracy_score(y_test, guess):.3f}, log loss {log_loss(y_test, proba):.3f} nats")
print(f"mean std of the probability of the guessed digit where it is right: {spread[right].mean():.3f}")
print(f"where it is wrong: {spread[~right].mean():.3f}")

# %%
# But for the first bins, of few rows, the curve of reliability lies above the diagonal: the network is right more often
# than it claims. A normal approximation with independent weights leaves out how the weights go together, and blurs the
# predictions.

_ = ReliabilityDisplay.from_estimator(network, X_test, y_test)

# %%
# The upper row shows the most confident mistakes, the lower one the digits with the least confident guesses: some of
# them are hard to read for anybody.

confidence = proba.max(axis=1)  # (row,)
wrong = np.flatnonzero(~right)
chosen = [*wrong[np.argsort(-confidence[wrong])][:6], *np.argsort(confidence)[:6]]
_, axes = plt.subplots(2, 6, figsize=(10, 4.4), layout="constrained")
for ax, row in zip(axes.ravel(), chosen, strict=True):
    ax.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    title = f"{y_test[row]}, rightly guessed" if right[row] else f"{y_test[row]} taken for {guess[row]}"
    ax.set_title(f"{title}\np = {confidence[row]:.2f} ± {std[row, guess[row]]:.2f}", fontsize=9)
    ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("most confident\nmistakes")
axes[1, 0].set_ylabel("least confident")

plt.show()
