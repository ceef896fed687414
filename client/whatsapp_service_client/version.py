"""The version: the gateway's own, with which it was made."""

__version__ = "0.1.0"
