"""The ancestral split: which part of the way down is walked, and how much fresh noise leads back up."""

from math import sqrt


def ancestral(sigma: float, next_sigma: float) -> tuple[float, float]:
    """(σ_down, σ_up) of a step from σ to σ': walk down to σ_down ≤ σ', then add noise of σ_up; σ_down² + σ_up² = σ'².

    Katherine Crowson's k-diffusion, after Song et al., "Score-Based Generative Modeling through Stochastic
    Differential Equations" (arXiv:2011.13456), appendix F (ancestral sampling): σ_up = σ'·√(1 − (σ'/σ)²),
    σ_down = σ'²/σ.
    """
    return next_sigma**2 / sigma, next_sigma * sqrt(1 - (next_sigma / sigma) ** 2)
