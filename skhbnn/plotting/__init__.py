"""Displays of fitted estimators, as scikit-learn has them: a file and a name below each.

Matplotlib is the extra ``skhbnn[plot]``.

``from_estimator`` computes what is shown, keeps it in attributes, and calls ``plot``, which draws and infers nothing.
Traces, ranks and forests of the posterior are ArviZ's: ``arviz.plot_trace(estimator.to_arviz())``.
"""

from .confident_rows import ConfidentRowsDisplay
from .correlation import WeightCorrelationDisplay
from .decision import DecisionSurfaceDisplay
from .effect import EffectDisplay
from .elbo import ElboDisplay
from .group_mean import GroupMeanSurfaceDisplay
from .group_ranking import GroupRankingDisplay
from .group_residual import GroupResidualDisplay
from .group_scale import GroupScaleDisplay
from .input_relevance import InputRelevanceDisplay
from .interval_calibration import IntervalCalibrationDisplay
from .prediction_band import PredictionBandDisplay
from .prior_posterior import PriorPosteriorDisplay
from .reliability import ReliabilityDisplay
from .shrinkage import ShrinkageDisplay
from .uncertainty import UncertaintySurfaceDisplay

__all__ = [
    "ConfidentRowsDisplay",
    "DecisionSurfaceDisplay",
    "EffectDisplay",
    "ElboDisplay",
    "GroupMeanSurfaceDisplay",
    "GroupRankingDisplay",
    "GroupResidualDisplay",
    "GroupScaleDisplay",
    "InputRelevanceDisplay",
    "IntervalCalibrationDisplay",
    "PredictionBandDisplay",
    "PriorPosteriorDisplay",
    "ReliabilityDisplay",
    "ShrinkageDisplay",
    "UncertaintySurfaceDisplay",
    "WeightCorrelationDisplay",
]
