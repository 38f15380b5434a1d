"""Example data: the rotated half moons of the 2018 article, tables that are simulated, and two real ones.

The README in the folder ``tables`` has the sources and licences of the real ones.
"""

from .care import make_care_visits
from .insurance import load_insurance
from .moons import make_rotated_moons
from .reaction import make_reaction_times
from .vowels import load_vowels

__all__ = ["load_insurance", "load_vowels", "make_care_visits", "make_reaction_times", "make_rotated_moons"]
