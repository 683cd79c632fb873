"""Checks of the exercises of 11_collapse."""

__all__ = []
