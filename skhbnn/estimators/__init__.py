"""Public estimators, and what they share: parameters, the path of a fit, groups, and the task."""
