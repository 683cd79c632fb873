"""Checks of the exercises of 04_moment_stabilization."""

__all__ = []
