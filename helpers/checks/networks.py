"""Checks of the exercises of 02_networks."""

__all__ = []
