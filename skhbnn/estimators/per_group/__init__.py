"""A clone of any estimator per group, fitted in parallel."""
