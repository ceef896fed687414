"""Watching for what a person must know."""
