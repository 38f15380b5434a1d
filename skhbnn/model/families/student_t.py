"""Student's t with nu degrees of freedom: w = scale · sqrt(nu) · sinh(v). Then p(v) is proportional to cosh(v)^-nu."""

import math

import numpy as np
from scipy.special import gammaln

from ...kernel import lanes
from ...kernel.arrays import padded
from ...kernel.options import inline
from .base import Family

UNDERFLOW = 1e-100  # a product below it becomes a logarithm


@inline
def _prior(nu, v, scale, grad, value, slope):
    s, product, n = 0.0, 1.0, v.size
    m = padded(n)
    for i in range(n):
        value[i] = -abs(v[i])
    for i in range(n, m):
        value[i] = 0.0
    lanes.exp_rows(value, m)
    for i in range(n):
        e = value[i]
        s += abs(v[i])
        product *= 0.5 + 0.5 * e * e  # cosh(v) exp(-|v|), between 1/2 and 1
        if product < UNDERFLOW:
            s += math.log(product)
            product = 1.0
        grad[i] -= math.copysign(nu * (1.0 - e * e) / (1.0 + e * e), v[i])
        half = 0.5 * scale[i] * math.sqrt(nu)
        value[i] = math.copysign(half * (1.0 / e - e), v[i])
        slope[i] = half * (1.0 / e + e)
    return -nu * (s + math.log(product))


class StudentT(Family):
    """Student's t around 0 with 4 degrees of freedom; also the base of the Cauchy family, which has one degree."""

    name = "student_t"
    variance = 2.0
    shape = 4.0
    compiled = staticmethod(_prior)

    def log_constant(self, scale):
        nu = self.shape
        constant = float(gammaln((nu + 1) / 2) - gammaln(nu / 2)) - 0.5 * math.log(math.pi)
        return np.full(len(scale), constant)

    def from_unconstrained(self, v, scale, xp=np):
        return scale * math.sqrt(self.shape) * xp.sinh(v)

    def to_unconstrained(self, w, scale, xp=np):
        return xp.arcsinh(w / (scale * math.sqrt(self.shape)))

    def slope(self, v, scale, xp=np):
        return scale * math.sqrt(self.shape) * xp.cosh(v)

    def draw(self, rng, shape):
        return rng.standard_t(self.shape, size=shape).astype(np.float32)

    def pymc(self, name, scale, dims):
        import pymc as pm

        from .transform import Unconstrained

        transform = Unconstrained(self, scale)
        nu = np.float64(self.shape)  # of a float PyTensor takes a rough logarithm
        return pm.StudentT(name, nu=nu, mu=0, sigma=scale, dims=dims, default_transform=transform)


KIND = StudentT()
