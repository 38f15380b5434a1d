"""Words for messages: long lists and long values in short."""

MAX_NAMED = 5  # values that a message names
MAX_LETTERS = 100  # of one of them


def shown(value):
    """The repr of a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."


def named(values):
    """Text of some values for a message: the first five, and how many more there are."""
    more = len(values) - MAX_NAMED
    return ", ".join(map(shown, values[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")
