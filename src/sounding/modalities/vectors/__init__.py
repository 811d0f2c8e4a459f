"""Vectors of numbers: what sensors say of a thing at a moment."""

from sounding.modalities.vectors.vector import Vector

__all__ = ["Vector"]
