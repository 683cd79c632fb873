"""Checks of the exercises of 07_test_1 to 09_test_3."""

__all__ = []
