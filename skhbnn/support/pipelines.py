"""What a pipeline or a search ends in."""

from sklearn.pipeline import Pipeline


def last_step(estimator):
    """Transformers before the last step, or None, and the last step; a search stands for its best estimator."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    if not isinstance(estimator, Pipeline):
        return None, estimator
    return estimator[:-1] if len(estimator) > 1 else None, estimator[-1]


def transformed(transformer, X):
    """X as the last step has it, where a transformer or None goes before it."""
    return X if transformer is None else transformer.transform(X)
