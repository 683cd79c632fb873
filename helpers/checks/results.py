"""Checks of the exercises of 10_results."""

__all__ = []
