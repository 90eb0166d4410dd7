"""Profiles: what a recipe's numbers mean in diffusers, in CompVis's scripts and in A1111; one file each."""

from garasu.diffusion.profiles.table import PROFILES, find_profile

__all__ = ["PROFILES", "find_profile"]
