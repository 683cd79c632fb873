"""Checks of the exercises of 00_start_here."""

__all__ = []
