"""Checks of the exercises of 13_stability."""

__all__ = []
