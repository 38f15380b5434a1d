"""Words for messages: long lists, long values and long texts of others in short."""

from contextlib import contextmanager

MAX_NAMED = 5  # values that a message names
MAX_LETTERS = 100  # of one of them
HEAD, TAIL = 500, 300  # letters of a long text that are kept: what is wrong, and what to do


def shown(value):
    """The repr of a value for a message, cut where it is long."""
    try:
        text = repr(value)
    except Exception as error:  # such as an integer of more digits than Python writes
        return f"a {type(value).__name__} without a text ({type(error).__name__})"
    return text if len(text) <= MAX_LETTERS else f"{text[: MAX_LETTERS - 3]}..."


def named(values):
    """Text of some values for a message: the first five, and how many more there are."""
    more = len(values) - MAX_NAMED
    return ", ".join(map(shown, values[:MAX_NAMED])) + (f" and {more} more" if more > 0 else "")


def shortened(text):
    """A text without its middle, where that is long."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} [...] {text[-TAIL:]}"


@contextmanager
def short_errors(subject):
    """Context in which errors of others are ValueErrors and TypeErrors of short texts, without whole arrays.

    Parameters
    ----------
    subject : str
        What becomes an array in the context, named in errors of other types, which come from its own class.
    """
    try:
        yield
    except MemoryError:
        raise
    except (ValueError, TypeError) as error:
        text = str(error)
        if type(error) in (ValueError, TypeError) and len(text) <= HEAD + TAIL:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(shortened(text)) from error
    except Exception as error:
        raise ValueError(f"{subject} cannot become an array: {shortened(repr(error))}") from error
