"""Checks of the exercises of 16_better_moments."""

__all__ = []
