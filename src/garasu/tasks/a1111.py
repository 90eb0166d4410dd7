"""A recipe in the words of AUTOMATIC1111's web UI ("A1111"), version 1.9 and later."""

from collections.abc import Mapping
from typing import Any

from garasu.images.infotext import Infotext, write_infotext
from garasu.tasks.names import A1111_NOISES, A1111_SAMPLERS, A1111_SPACINGS
from garasu.tasks.recipe import Recipe


def a1111_text(recipe: Recipe, made_with: Mapping[str, str]) -> str:
    """The text that A1111 would have written for this recipe, in its order of fields."""
    knobs = recipe.model_dump()
    fields = {
        "Steps": knobs["steps"],
        "Sampler": A1111_SAMPLERS[knobs["sampler"]],
        "Schedule type": A1111_SPACINGS.get(knobs["spacing"] or ""),
        "CFG scale": f"{knobs['guidance_scale']:g}",
        "Seed": knobs["seed"],
        "Size": f"{knobs['width']}x{knobs['height']}",
        "Model hash": made_with["model_hash"][:10],
        "Model": made_with["model"].rsplit("/", 1)[-1].removesuffix(".safetensors").removesuffix(".ckpt"),
        "VAE": made_with["vae"],
        "Variation seed": knobs["variation_seed"] if knobs["variation_strength"] else None,
        "Variation seed strength": f"{knobs['variation_strength']:g}" if knobs["variation_strength"] else None,
        "Seed resize from": knobs["seed_size"],
        "Denoising strength": _strength(knobs),
        "Clip skip": knobs["clip_skip"] if knobs["clip_skip"] > 1 else None,
        "Eta DDIM": f"{knobs['eta']:g}" if knobs["sampler"] == "ddim" and knobs["eta"] else None,
        "Token merging ratio": f"{knobs['token_merging']:g}" if knobs["token_merging"] else None,
        "RNG": _noise(knobs),
        "Discard penultimate sigma": "True" if knobs["discard_penultimate"] else None,
        "Skip Early CFG": f"{knobs['guidance_start']:g}" if knobs["guidance_start"] else None,
        "Emphasis": _emphasis(knobs),
        **_inpainting(knobs),
        **_hires(knobs),
        "Version": f"garasu {made_with['garasu']}",
    }
    said = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    return write_infotext(Infotext(knobs["prompt"], knobs["negative_prompt"], said))


def _emphasis(knobs: Mapping[str, Any]) -> str | None:
    """A1111's name, where there is one, for other than its usual arithmetic."""
    if knobs["syntax"] == "plain":
        return "None"
    return {"ignore": "Ignore", "no-norm": "No norm"}.get(knobs["emphasis"] or "")


def _noise(knobs: Mapping[str, Any]) -> str:
    from garasu.diffusion.profiles import find_profile  # waits for torch, which a picture has waited for

    return A1111_NOISES[knobs["noise"] or find_profile(knobs["like"]).noise]


def _inpainting(knobs: Mapping[str, Any]) -> dict[str, Any]:
    """What A1111 adds for a masked picture, after its own fields."""
    if "mask" not in knobs:
        return {}
    only = {"Inpaint area": "Only masked", "Masked area padding": knobs["padding"]} if knobs["only_masked"] else {}
    content = {"noise": "latent noise", "nothing": "latent nothing"}.get(knobs["content"], knobs["content"])
    return {"Mask blur": f"{knobs['mask_blur']:g}", **only, "Masked content": content}


def _hires(knobs: Mapping[str, Any]) -> dict[str, Any]:
    """What A1111 adds for a second, larger pass, whose strength is its denoising strength."""
    if knobs.get("hires_scale", 1) == 1:
        return {}
    upscaler = {"latent": "Latent", "pixel": "Lanczos"}[knobs["hires_upscaler"]]
    return {
        "Hires upscale": f"{knobs['hires_scale']:g}",
        "Hires steps": knobs["hires_steps"],
        "Hires upscaler": upscaler,
    }


def _strength(knobs: Mapping[str, Any]) -> str | None:
    strength = knobs["hires_strength"] if knobs.get("hires_scale", 1) > 1 else knobs.get("strength")
    return None if strength is None else f"{strength:g}"
