"""The one exception of a conversion that a person reads."""


class Refused(Exception):
    """The file cannot become what is wanted; the text says what was found and what Meta wants."""
