"""Hostile data for fuzzing, beside the same data as plain floats and labels."""

from .columns import columns
from .files import files
from .fits import fits
from .numbers import numbers
from .predictions import predictions

# Strategies of cases; the method ``check`` of a case raises an error where something escapes.
PROPERTIES = {"fit": fits, "numbers": numbers, "predict": predictions, "columns": columns, "files": files}
