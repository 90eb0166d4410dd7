"""Samplers: generators that walk noise down a schedule and know no model; one file each."""

from garasu.diffusion.samplers.table import SAMPLERS, Sampler, find_sampler, start

__all__ = ["SAMPLERS", "Sampler", "find_sampler", "start"]
