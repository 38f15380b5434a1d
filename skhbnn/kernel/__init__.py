"""Compiled loops over arrays and addresses, which know no model."""
