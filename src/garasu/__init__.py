"""garasu: Stable Diffusion as a glass box.

The public names. Each is imported from its home when first used, so that programs which need none
of the networks (`garasu --help`) do not wait for torch.
"""

import importlib
import typing

__all__ = [
    "At",
    "Canvas",
    "CheckpointError",
    "Conditioning",
    "Denoiser",
    "Img2Img",
    "Inpaint",
    "Journey",
    "Noise",
    "Outpaint",
    "Pane",
    "Picture",
    "Record",
    "RecordOptions",
    "Recording",
    "Schedule",
    "StableDiffusion",
    "Step",
    "Txt2Img",
    "Upscale",
    "blend",
    "guided",
    "img2img",
    "inpaint",
    "load",
    "look",
    "open_record",
    "outpaint",
    "record",
    "replay",
    "txt2img",
    "upscale",
    "without",
]

if typing.TYPE_CHECKING:
    from garasu.checkpoints.errors import CheckpointError
    from garasu.diffusion.canvas import Canvas
    from garasu.diffusion.denoiser import Denoiser
    from garasu.diffusion.guidance import guided
    from garasu.diffusion.noise import Noise
    from garasu.diffusion.schedule import Schedule
    from garasu.diffusion.steps import Step
    from garasu.glass.record.opening import Record, open_record
    from garasu.glass.record.options import RecordOptions
    from garasu.glass.record.recording import record
    from garasu.glass.record.replaying import replay
    from garasu.glass.without import without
    from garasu.model import StableDiffusion, load
    from garasu.panes import At, Pane, Recording, look
    from garasu.prompts.conditioning import Conditioning
    from garasu.tasks.blend import Journey, blend
    from garasu.tasks.img2img import Img2Img, img2img
    from garasu.tasks.inpaint import Inpaint, inpaint
    from garasu.tasks.outpaint import Outpaint, outpaint
    from garasu.tasks.picture import Picture
    from garasu.tasks.txt2img import Txt2Img, txt2img
    from garasu.tasks.upscale import Upscale, upscale
else:
    _HOMES = {
        "garasu.checkpoints.errors": ("CheckpointError",),
        "garasu.diffusion.canvas": ("Canvas",),
        "garasu.diffusion.denoiser": ("Denoiser",),
        "garasu.diffusion.guidance": ("guided",),
        "garasu.diffusion.noise": ("Noise",),
        "garasu.diffusion.schedule": ("Schedule",),
        "garasu.diffusion.steps": ("Step",),
        "garasu.glass.record.opening": ("Record", "open_record"),
        "garasu.glass.record.options": ("RecordOptions",),
        "garasu.glass.record.recording": ("record",),
        "garasu.glass.record.replaying": ("replay",),
        "garasu.glass.without": ("without",),
        "garasu.model": ("StableDiffusion", "load"),
        "garasu.panes": ("At", "Pane", "Recording", "look"),
        "garasu.prompts.conditioning": ("Conditioning",),
        "garasu.tasks.blend": ("Journey", "blend"),
        "garasu.tasks.img2img": ("Img2Img", "img2img"),
        "garasu.tasks.inpaint": ("Inpaint", "inpaint"),
        "garasu.tasks.outpaint": ("Outpaint", "outpaint"),
        "garasu.tasks.picture": ("Picture",),
        "garasu.tasks.txt2img": ("Txt2Img", "txt2img"),
        "garasu.tasks.upscale": ("Upscale", "upscale"),
    }

    def __getattr__(name: str) -> object:
        for home, names in _HOMES.items():
            if name in names:
                return globals().setdefault(name, getattr(importlib.import_module(home), name))
        raise AttributeError(f"module 'garasu' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
