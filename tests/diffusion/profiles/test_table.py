"""Profiles by name."""

from typing import get_args

import pytest

from garasu.diffusion import SamplingError
from garasu.diffusion.profiles import PROFILES, find_profile
from garasu.tasks.recipe import ProfileName


def test_every_profile_is_found_by_its_name_and_recipes_know_them():
    assert tuple(PROFILES) == get_args(ProfileName)
    assert all(find_profile(name).name == name for name in PROFILES)


def test_near_names_are_offered():
    with pytest.raises(SamplingError, match="no profile 'compviz': did you mean 'compvis'"):
        find_profile("compviz")
