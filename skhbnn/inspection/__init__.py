"""Effects of features on what a fitted estimator expects, with posterior intervals: for all rows, or by group.

They are averages over rows that the caller passes, computed draw by draw by ``sample_proba`` or ``sample_mean``.
Predictions, comparisons and slopes are the words of Bambi's ``interpret`` and of R's marginaleffects.
"""

from .effects import average_comparisons, average_predictions, average_slopes
from .table import EffectTable

__all__ = ["EffectTable", "average_comparisons", "average_predictions", "average_slopes"]
