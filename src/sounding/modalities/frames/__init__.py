"""Screens of video games, several at a time."""

from sounding.modalities.frames.frames import Frames

__all__ = ["Frames"]
