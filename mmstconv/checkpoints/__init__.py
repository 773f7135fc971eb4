"""Weights: opening files safely, reading them, filling a model, converting others'.

Importing this package imports none of its modules: every ``import mmstconv`` does.
"""
