"""Options of compilation, and ways to put the functions of a kind into a compiled loop."""

from types import FunctionType

from numba import config, njit

# Reassociation lets LLVM vectorise sums. NaN and inf keep their meaning: they mark a divergent step.
FASTMATH = {"reassoc", "contract", "nsz", "arcp", "afn"}
if config.DISABLE_JIT:  # Numba's functions would be plain ones, and its intrinsics of no use
    raise RuntimeError(
        "Numba compiles nothing here (NUMBA_DISABLE_JIT is set), and the networks run in compiled code only: start "
        "Python without the environment variable NUMBA_DISABLE_JIT. Coverage of your own code does not need it: leave "
        "modules of skhbnn out of what is measured."
    )
OPTIONS = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}


def inline(function):
    """The function, compiled with the options of the package and inlined into whatever calls the function.

    All of the function is inlined: where it stands in several compiled modules the loader keeps one version, and a
    process that loads the callback from the disk cache would keep another version than the process that compiled it.
    Versions differ in the last digits, and then in all draws. There are no wrappers for callers in Python and C, which
    take a fifth of the time.
    """
    return njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function)


# Into the source of the caller, under its options: of a long function LLVM's passes over it alone would take seconds.
inline_source = njit(inline="always")


def bound(function, name, **values):
    """A copy of a function, by another name, in whose code some global names stand for other values.

    So one loop is compiled for different parts: Numba looks globals up when it compiles. A closure over the parts would
    not be found again in the disk cache, which knows it by its pickled cells, and a function argument would have the
    whole loop copied into the code of the caller before the caller is compiled.

    Parameters
    ----------
    function : callable
        A function at the top of a module.
    name : str
        Names the copy in the disk cache.
    **values
        What the global names stand for.

    Returns
    -------
    copy : callable
    """
    copy = FunctionType(function.__code__, {**function.__globals__, **values}, name)
    copy.__qualname__, copy.__module__ = name, function.__module__
    return copy


def folded(functions):
    """A compiled function that calls one of several functions, chosen by position.

    Parameters
    ----------
    functions : sequence of callable
        Compiled functions of one signature, two at least.

    Returns
    -------
    choose : callable
        Takes the position of a function, and the arguments of the function.
    """
    first, *others = functions
    if len(others) == 1:
        (second,) = others

        @inline
        def choose(position, *arguments):
            if position == 0:
                return first(*arguments)
            return second(*arguments)

        return choose
    rest = folded(others)

    @inline
    def choose_or_go_on(position, *arguments):
        if position == 0:
            return first(*arguments)
        return rest(position - 1, *arguments)

    return choose_or_go_on
