"""Every profile by name."""

from collections.abc import Mapping
from types import MappingProxyType

from garasu.diffusion.errors import unknown
from garasu.diffusion.profiles.a1111 import A1111
from garasu.diffusion.profiles.compvis import CompVis
from garasu.diffusion.profiles.diffusers import Diffusers
from garasu.diffusion.profiles.profile import Profile

PROFILES: Mapping[str, Profile] = MappingProxyType({one.name: one for one in (Diffusers(), CompVis(), A1111())})


def find_profile(name: str) -> Profile:
    """The profile called ``name``.

    Raises:
        SamplingError: there is none; the message lists near names.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    return PROFILES[name]
