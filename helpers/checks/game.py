"""Checks of the exercises of 03_the_game."""

__all__ = []
