"""Example data, all simulated: the rotated half moons of the 2018 article, and tables as they come from the field.

No real data ship with the package. The gallery's examples on real data take the path of a file.
"""

from .care import make_care_visits
from .moons import make_rotated_moons
from .reaction import make_reaction_times

__all__ = ["make_care_visits", "make_reaction_times", "make_rotated_moons"]
