"""Fitted estimators as files: values to JSON and arrays, those to a zip, and what a fit read from one must be."""
