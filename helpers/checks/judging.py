"""Checks of the exercises of 05_judging."""

__all__ = []
