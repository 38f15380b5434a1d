"""Rows, classes and groups of a fit: any table in, one canonical order of the rows out."""
