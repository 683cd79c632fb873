"""Checks of the exercises of A_statistics."""

__all__ = []
