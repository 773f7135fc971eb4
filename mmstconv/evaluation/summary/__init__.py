"""Measures of video summaries, as functions of NumPy arrays."""

from .knapsack import knapsack

__all__ = ["knapsack"]
