"""Shared by all applications, and naming none: the contract, data, the loop, evaluation, the machine, the meter."""
