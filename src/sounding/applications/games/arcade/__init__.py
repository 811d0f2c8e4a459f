"""Agents that learn by playing environments."""
