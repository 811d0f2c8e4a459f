"""Masked words: which word is missing.

task.py     the application
blanks.py   texts in which words are missing, and the words
"""
