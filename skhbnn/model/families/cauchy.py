"""The Cauchy family: Student's t with one degree of freedom."""

import math

from .student_t import StudentT


class Cauchy(StudentT):
    """Cauchy(0, scale)."""

    name = "cauchy"
    variance = math.inf
    shape = 1.0

    def pymc(self, name, scale, dims):
        import pymc as pm

        from .transform import Unconstrained

        return pm.Cauchy(name, 0, scale, dims=dims, default_transform=Unconstrained(self, scale))


KIND = Cauchy()
