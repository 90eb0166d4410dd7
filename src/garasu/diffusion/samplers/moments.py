"""Where in a step an exponential integrator looks: the moments of its weight."""

from math import expm1


def moments(h: float) -> tuple[float, float]:
    """The means of u and of u² over u in 0…1 under the weight e^(h·u), h > 0.

    Integrating x0 = a + b·u + c·u² over a step of h = log(σ/σ') weighs it so: the step aims at a + b·E[u] + c·E[u²].
    In the papers they are φ-functions: E[u] = h·φ₂(−h)/(1 − e^(−h)), and so on.
    """
    total = -1 / expm1(-h)  # 1 / (1 − e^(−h))
    mean = total - 1 / h
    return mean, total - 2 * mean / h
