"""What a set of keys looks like, when it is not a Stable Diffusion checkpoint that garasu reads."""

from __future__ import annotations

import re
from collections.abc import Iterable

FOREIGN: tuple[tuple[str, str], ...] = (
    (r"conditioner\.embedders\.|model\.diffusion_model\.label_emb\.|add_embedding\.", "an SDXL checkpoint"),
    (r"(model\.diffusion_model\.)?joint_blocks\.|text_encoders\.", "a Stable Diffusion 3 checkpoint"),
    (r"(model\.diffusion_model\.)?double_blocks\.", "a Flux checkpoint"),
    (r"control_model\.|controlnet_|zero_convs\.", "a ControlNet"),
    (r"lora_(unet|te)|.*\.lora_(A|B|up|down)\.|.*\.(hada_w1|lokr_w1)", "a LoRA, to be used on top of a checkpoint"),
    (r"string_to_param|emb_params|clip_[lg]$", "a learned embedding, to be used on top of a checkpoint"),
)


def foreign(keys: Iterable[str]) -> str | None:
    """What else the keys belong to (``an SDXL checkpoint``), or None when nothing known."""
    names = list(keys)
    return next((what for pattern, what in FOREIGN if any(re.match(pattern, name) for name in names)), None)
