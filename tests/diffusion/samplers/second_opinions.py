"""Samplers written a second time, from their papers' formulas in the papers' notation, where diffusers has no oracle.

x keeps unit variance: x = α·x0 + σ·noise with α² + σ² = 1 and λ = log(α/σ). ``model`` answers x0 at (x, λ), ``draw``
gives fresh noise, ``lambdas`` ascend and end at ∞. Nothing is shared with the samplers but the formulas' meaning.
"""

from itertools import pairwise
from math import exp, expm1, inf, log, sqrt

import numpy as np


def alpha(lam: float) -> float:
    return 1 / sqrt(1 + exp(-2 * lam))


def sigma(lam: float) -> float:
    return 1 / sqrt(1 + exp(2 * lam)) if lam < inf else 0.0


def dpmpp_2s_a(lambdas, x, model, draw):
    """DPM-Solver++(2S), Algorithm 1 of arXiv:2211.01095, to where DDIM's eta 1 (arXiv:2010.02502, eq. 16) goes."""
    for lam, after in pairwise(lambdas):
        x0 = model(x, lam)
        if after == inf:
            return x0
        share = (alpha(lam) / alpha(after)) ** 2
        fresh = sqrt((1 - alpha(after) ** 2) / (1 - alpha(lam) ** 2) * (1 - share))
        down = log(alpha(after) / sqrt(1 - alpha(after) ** 2 - fresh**2))
        h = down - lam
        middle = lam + h / 2
        x0 = model(sigma(middle) / sigma(lam) * x - alpha(middle) * expm1(-h / 2) * x0, middle)
        x = sigma(down) / sigma(lam) * x - alpha(down) * expm1(-h) * x0
        x = alpha(after) / alpha(down) * x + fresh * draw()
    return x


def sde_step(lam, after, x, x0, z):
    """SDE-DPM-Solver++1 of arXiv:2211.01095."""
    h = after - lam
    return sigma(after) / sigma(lam) * exp(-h) * x - alpha(after) * expm1(-2 * h) * x0 + noise_of(lam, after) * z


def noise_of(lam, after):
    return sigma(after) * sqrt(-expm1(-2 * (after - lam)))


def dpmpp_sde(lambdas, x, model, draw):
    """Its midpoint version; both draws are increments of one Brownian path over e^(−λ)."""
    for lam, after in pairwise(lambdas):
        x0 = model(x, lam)
        if after == inf:
            return x0
        middle = (lam + after) / 2
        times = [exp(-one) for one in (lam, middle, after)]
        early, late = sqrt(times[0] - times[1]) * draw(), sqrt(times[1] - times[2]) * draw()
        x0 = model(sde_step(lam, middle, x, x0, early / sqrt(times[0] - times[1])), middle)
        x = sde_step(lam, after, x, x0, (early + late) / sqrt(times[0] - times[2]))
    return x


def dpmpp_3m_sde(lambdas, x, model, draw, curvature=1):
    """The φ-functions of arXiv:2211.01095 over 2h; ``curvature`` 2 is Taylor's formula, 1 is k-diffusion's."""
    answers, path = [], list(lambdas)
    for index, (lam, after) in enumerate(pairwise(path)):
        answers.append(model(x, lam))
        if after == inf:
            return answers[-1]
        h = after - lam
        x = sde_step(lam, after, x, answers[-1], 0)
        phi_2 = expm1(-2 * h) / (2 * h) + 1
        phi_3 = phi_2 / (2 * h) - 0.5
        if index == 1:
            x = x + alpha(after) * phi_2 * h / (lam - path[0]) * (answers[1] - answers[0])
        if index > 1:
            r0, r1 = (lam - path[index - 1]) / h, (path[index - 1] - path[index - 2]) / h
            first, second = (answers[-1] - answers[-2]) / r0, (answers[-2] - answers[-3]) / r1
            D1, D2 = first + r0 / (r0 + r1) * (first - second), (first - second) / (r0 + r1)
            x = x + alpha(after) * (phi_2 * D1 - curvature * phi_3 * D2)
        x = x + noise_of(lam, after) * draw()
    return x


def restart(lambdas, x, model, draw):
    """Algorithm 1 of arXiv:2306.14878 with K = 1 between the levels around σ/α = 2 and 0.1."""
    path = list(lambdas)
    inside = [lam for lam in path if -log(2) <= lam <= -log(0.1)]
    if len(inside) > 1:
        top, bottom = inside[0], inside[-1]
        x = _heun(path[: path.index(bottom) + 1], x, model)
        ratio = alpha(top) / alpha(bottom)
        x, path = ratio * x + sqrt(1 - ratio**2) * draw(), path[path.index(top) :]
    return _heun(path, x, model)


def _heun(lambdas, x, model):
    for lam, after in pairwise(lambdas):
        eps = _eps(x, model(x, lam), lam)
        if after == inf:
            return _ddim(x, eps, lam, after)
        there = _ddim(x, eps, lam, after)
        x = _ddim(x, (eps + _eps(there, model(there, after), after)) / 2, lam, after)
    return x


def _eps(x, x0, lam):
    return (x - alpha(lam) * x0) / sigma(lam)


def _ddim(x, eps, lam, after):
    """arXiv:2010.02502, eq. 12."""
    after_alpha = 1.0 if after == inf else alpha(after)
    return after_alpha * (x - sigma(lam) * eps) / alpha(lam) + sigma(after) * eps


def lms(lambdas, x, model, draw):
    """Adams and Bashforth in σ/α, the polynomial fitted to the values themselves and integrated by numpy."""
    ratios, values = [], []
    for lam, after in pairwise(lambdas):
        ratios, values = [*ratios, exp(-lam)][-4:], [*values, _eps(x, model(x, lam), lam)][-4:]
        flat = np.stack([value.flatten().numpy() for value in values])
        powers = np.linalg.solve(np.vander(ratios, increasing=True), flat)  # ε = Σ powers[k]·ratio^k
        span = [(exp(-after) ** k - exp(-lam) ** k) / k for k in range(1, len(ratios) + 1)]
        moved = x / alpha(lam) + x.new_tensor(span @ powers).reshape(x.shape)
        x = moved * (1.0 if after == inf else alpha(after))
    return x
