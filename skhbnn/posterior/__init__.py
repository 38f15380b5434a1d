"""Draws of weights, and what is made of the draws."""
