"""Checks of the exercises of 12_noise_floor."""

__all__ = []
