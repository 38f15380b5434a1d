"""Inference: methods that turn a model and rows into draws, one module a method, and their registry."""
