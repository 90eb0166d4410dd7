"""What others call our samplers, spacings, profiles and noises: A1111, ComfyUI, InvokeAI, NovelAI, diffusers, …"""

import re
from collections.abc import Mapping

from garasu.tasks.refusal import RecipeError

A1111_SAMPLERS = {
    "ddpm": "DDPM",  # A1111 has none; the name is the paper's
    "ddim": "DDIM",
    "plms": "PLMS",
    "euler": "Euler",
    "euler_a": "Euler a",
    "heun": "Heun",
    "restart": "Restart",
    "lms": "LMS",
    "dpm2": "DPM2",
    "dpm2_a": "DPM2 a",
    "dpmpp_2s_a": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "unipc": "UniPC",
    "deis": "DEIS",  # A1111's relatives have it
    "lcm": "LCM",
}
A1111_SPACINGS = {  # its "schedule types"; trailing and lcm have no name there
    "leading": "DDIM",
    "linspace": "Uniform",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "karras": "Karras",
    "exponential": "Exponential",
}
A1111_NOISES = {"cpu": "CPU", "nv": "NV"}  # its "RNG"; the same as "nv" is its default, "GPU", on a GPU of NVIDIA's
_OTHER_NOISES = {"gpu": "nv", "cuda": "nv", "philox": "nv"}
_TOOLS = {
    "diffusers": "diffusers",
    "compvis": "compvis",
    "ldm": "compvis",
    "a1111": "a1111",
    "automatic1111": "a1111",
    "webui": "a1111",
    "stable-diffusion-webui": "a1111",
}
_OTHER_SAMPLERS = {
    "pndm": "plms",
    "euler_ancestral": "euler_a",
    "dpm_2": "dpm2",
    "dpm_2_a": "dpm2_a",
    "dpm_2_ancestral": "dpm2_a",
    "kdpm_2": "dpm2",
    "kdpm_2_a": "dpm2_a",
    "dpmpp_2s_ancestral": "dpmpp_2s_a",
    "dpmpp_sde_gpu": "dpmpp_sde",
    "dpmpp_2m_sde_gpu": "dpmpp_2m_sde",
    "dpmpp_3m_sde_gpu": "dpmpp_3m_sde",
    "uni_pc_bh2": "unipc",
    "PNDMScheduler": "plms",
    "LMSDiscreteScheduler": "lms",
    "EulerDiscreteScheduler": "euler",
    "EulerAncestralDiscreteScheduler": "euler_a",
    "HeunDiscreteScheduler": "heun",
    "KDPM2DiscreteScheduler": "dpm2",
    "KDPM2AncestralDiscreteScheduler": "dpm2_a",
    "DPMSolverSDEScheduler": "dpmpp_sde",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "UniPCMultistepScheduler": "unipc",
    "DEISMultistepScheduler": "deis",
    "DDPMScheduler": "ddpm",
    "DDIMScheduler": "ddim",
    "LCMScheduler": "lcm",
}
_OTHER_SPACINGS = {"normal": "linspace", "ddim_uniform": "leading", "trailing": "trailing", "lcm": "lcm"}
_ENDINGS = {  # of sampler names that name a spacing too; the short ones are k-diffusion's in A1111, and InvokeAI's
    "": None,
    "karras": "karras",
    "exponential": "exponential",
    "sgmuniform": "sgm_uniform",
    "ka": "karras",
    "k": "karras",
    "exp": "exponential",
}


def understood(fields: Mapping[str, object]) -> dict[str, object]:
    """``fields`` with others' names for samplers, spacings, tools and noises made ours; unknown ones stay.

    "DPM++ 2M Karras" names a spacing too. "Automatic" leaves the spacing to the sampler.

    Raises:
        RecipeError: the sampler's name asks for one spacing and ``spacing`` for another.
    """
    found = dict(fields)
    spacing, sampler = fields.get("spacing"), fields.get("sampler")
    if isinstance(spacing, str):
        found["spacing"] = spacing = _spacing(spacing)
    if isinstance(sampler, str):
        found["sampler"], implied = _sampler(sampler)
        if implied and spacing not in (None, implied):
            raise RecipeError(
                f"sampler {sampler!r} asks for the spacing {implied}, and spacing for {spacing}: drop one"
            )
        found |= {"spacing": implied} if implied else {}
    for field, names in (("like", _LIKES), ("noise", _NOISES)):
        said = fields.get(field)
        if isinstance(said, str):
            found[field] = names.get(_folded(said), said)
    return found


def _spacing(name: str) -> str | None:
    return None if _folded(name) == "automatic" else _SPACINGS.get(_folded(name), name)


def _sampler(name: str) -> tuple[str, str | None]:
    """Our name for a sampler, and the spacing that its name ends with."""
    folded = _folded(name)
    for ending, spacing in _ENDINGS.items():
        if folded.endswith(ending):
            stem = folded.removesuffix(ending)
            ours = _SAMPLERS.get(stem) or _SAMPLERS.get(stem.removeprefix("k"))  # k_euler: by way of k-diffusion
            if ours:
                return ours, spacing
    return name, None


def _folded(name: str) -> str:
    """What is left of a name without capitals, blanks and signs: "DPM++ 2M" and "dpmpp_2m" are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "p"))


def _by_folded_name(labels: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    """Our names by everybody's: by our own, by A1111's ``labels`` of them, and by those in ``others``."""
    found = {_folded(name): ours for ours, label in labels.items() for name in (ours, label)}
    return found | {_folded(name): ours for name, ours in others.items()}


_SAMPLERS = _by_folded_name(A1111_SAMPLERS, _OTHER_SAMPLERS)
_SPACINGS = _by_folded_name(A1111_SPACINGS, _OTHER_SPACINGS)
_NOISES = _by_folded_name(A1111_NOISES, _OTHER_NOISES)
_LIKES = _by_folded_name({}, _TOOLS)
