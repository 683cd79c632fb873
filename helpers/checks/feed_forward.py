"""Checks of the exercises of 06_feed_forward."""

__all__ = []
