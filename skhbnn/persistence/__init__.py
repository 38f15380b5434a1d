"""Fitted estimators as files: values as JSON and arrays, both in a zip, and what a fit read from a file must be."""
