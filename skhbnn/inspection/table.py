"""Effects as a small table: names beside NumPy arrays, a text to read, and a dataframe where pandas is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..support.typed import Floats, Integers, Labels

if TYPE_CHECKING:
    import pandas

MOST_LINES = 20  # of a text; of more, the first and the last


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EffectTable:
    """Effects with their posterior intervals, a row each: of all rows together, or of each group.

    Parameters
    ----------
    quantity : {"prediction", "comparison", "slope"}
        What is averaged.
    response : str
        What it is of: a class's probability, or the expected y.
    features : list of str
        Feature of each effect; empty texts for predictions.
    values : tuple or None
        The two values of a comparison.
    fixed : dict
        Values at which features were held, by name.
    groups : ndarray of shape (n_effects,) or None
        Group label of each effect; None for averages over all rows.
    n_samples : ndarray of shape (n_effects,)
        Rows that each effect is averaged over.
    draws : ndarray of shape (n_draws, n_effects)
        Posterior draws, in the unit of the response; of a slope per unit of its feature.
    level : float
        Probability of the intervals.

    Examples
    --------
    >>> from skhbnn import HierarchicalBNNClassifier
    >>> from skhbnn.datasets import make_rotated_moons
    >>> from skhbnn.inspection import average_slopes
    >>> X, _, y, _, groups, _ = make_rotated_moons(n_groups=3, random_state=0)
    >>> classifier = HierarchicalBNNClassifier(random_state=0).fit(X, y, groups=groups)
    >>> table = average_slopes(classifier, X, groups=groups, by_group=True)
    >>> table.features
    ['x0', 'x0', 'x0', 'x1', 'x1', 'x1']
    >>> table.draws.shape
    (400, 6)
    """

    quantity: Literal["prediction", "comparison", "slope"]
    response: str
    features: list[str]
    values: tuple[Any, Any] | None
    fixed: dict[str, Any]
    groups: Labels | None
    n_samples: Integers
    draws: Floats
    level: float

    @property
    def estimate(self) -> Floats:
        """Posterior mean of each effect."""
        return self.draws.mean(axis=0)

    @property
    def std(self) -> Floats:
        """Posterior standard deviation of each effect."""
        return self.draws.std(axis=0)

    @property
    def lower(self) -> Floats:
        """Lower end of the central posterior interval of each effect."""
        return np.quantile(self.draws, (1 - self.level) / 2, axis=0)

    @property
    def upper(self) -> Floats:
        """Upper end of the central posterior interval of each effect."""
        return np.quantile(self.draws, (1 + self.level) / 2, axis=0)

    @property
    def share_above_0(self) -> Floats:
        """Posterior probability that each effect is above 0."""
        return np.mean(self.draws > 0, axis=0)

    def __len__(self) -> int:
        return self.draws.shape[1]

    def __repr__(self) -> str:
        columns = self._columns()
        texts = [[name, *map(value_text, values)] for name, values in columns.items()]
        widths = [max(map(len, column)) for column in texts]
        padded = [[cell.rjust(width) for cell in column] for column, width in zip(texts, widths, strict=True)]
        lines = list(map("  ".join, zip(*padded, strict=True)))
        if len(self) > MOST_LINES:
            half = MOST_LINES // 2
            lines = [*lines[: half + 1], f"({len(self) - 2 * half} more)", *lines[-half:]]
        return "\n".join([self._title(), *lines])

    def _title(self):
        """What the table is of, in words."""
        what = {"prediction": "Average", "slope": "Average slope of", "comparison": "Average difference of"}
        title = f"{what[self.quantity]} {self.response}"
        if self.values is not None:
            title += f", {self.features[0]} from {self.values[0]} to {self.values[1]}"
        if self.fixed:
            title += " at " + ", ".join(f"{name} = {value}" for name, value in self.fixed.items())
        return f"{title}; {100 * self.level:g} % intervals"

    def _columns(self):
        """Columns of the table by name, (effect,) each."""
        columns: dict[str, Any] = {}
        if self.quantity != "prediction":
            columns["feature"] = self.features
        if self.groups is not None:
            columns["group"] = self.groups
        for name in ("n_samples", "estimate", "std", "lower", "upper"):
            columns[name] = getattr(self, name)
        if self.quantity != "prediction":
            columns["share_above_0"] = self.share_above_0
        return columns

    def to_frame(self) -> pandas.DataFrame:
        """The table as a dataframe.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_effects, n_columns)
            Columns are what the table has of each effect, but for the draws.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        import pandas

        return pandas.DataFrame(self._columns())


def value_text(value):
    """Text of a number, a label or another value, for a cell or a legend."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
