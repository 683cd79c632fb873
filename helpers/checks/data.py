"""Checks of the exercises of 01_data."""

__all__ = []
