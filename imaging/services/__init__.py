"""Verbs of imaging."""
