"""The command `garasu`.

Commands are named here by "module:function" and imported when called, so that `--help` and
`--version` answer without waiting for torch.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App

from garasu.app.failures import sentences

app = App(
    name="garasu",
    help="Stable Diffusion as a glass box: generate, look inside, edit and personalise.",
    version=version("garasu"),
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # failures.py answers it, with a line on stderr
)

_COMMANDS = {
    "txt2img": ("garasu.app.commands.txt2img:txt2img", "Make pictures from a prompt."),
    "img2img": ("garasu.app.commands.img2img:img2img", "Make pictures from a picture and a prompt."),
    "inpaint": ("garasu.app.commands.inpaint:inpaint", "Paint a masked part of a picture anew, and keep the rest."),
    "outpaint": ("garasu.app.commands.outpaint:outpaint", "Let a picture go on beyond its borders."),
    "upscale": ("garasu.app.commands.upscale:upscale", "Make a picture larger, and paint what it lacks in detail."),
    "blend": ("garasu.app.commands.blend:blend", "Make a film from words to words, through what lies between."),
    "blend-grid": ("garasu.app.commands.blend:grid", "Make a sheet of pictures over two directions of prompt space."),
    "show": ("garasu.app.commands.pictures:show", "Print the recipe that a picture carries."),
    "redo": ("garasu.app.commands.pictures:redo", "Make a picture again from its recipe, and compare."),
    "prompt": ("garasu.app.commands.prompt:prompt", "Show what a prompt is to a model, token by token."),
    "replay": ("garasu.app.commands.replay:replay", "Walk a recorded run again from any step, or on from it."),
    "info": ("garasu.app.commands.models:info", "X-ray a checkpoint: layout, keys, dtypes, parameters."),
    "world": ("garasu.app.commands.world:world", "Draw captioned pictures: a sheet, or a dataset."),
    "eval": ("garasu.app.commands.evaluate:measure", "Measure a model on prompts that training never saw."),
    "rarity": ("garasu.app.commands.rarity:rarity", "Say how rare a cosine is in so many dimensions."),
    "version": ("garasu.app.commands.version:show_version", "Print the versions of garasu and what it runs on."),
}
for _name, (_target, _help) in _COMMANDS.items():
    app.command(_target, name=_name, help=_help)

_TASKS = ("txt2img", "img2img", "inpaint", "outpaint", "upscale")
_sweep = App(name="sweep", help="Make pictures of one recipe over many values of its fields.")
for _name in _TASKS:
    _sweep.command(f"garasu.app.commands.sweep:{_name}", name=_name, help=_COMMANDS[_name][1])
app.command(_sweep)

_diff_profiles = App(name="diff-profiles", help="Print what a recipe means in diffusers, CompVis and A1111.")
for _name in _TASKS:
    _diff_profiles.command(f"garasu.app.commands.diff_profiles:{_name}", name=_name, help=_COMMANDS[_name][1])
app.command(_diff_profiles)

_GLASS = {
    "strip": ("strip:strip", "x, x0 and ε step by step, decoded."),
    "latent": ("latent:latent", "The four channels, step by step."),
    "noise": ("noise:noise", "The noise against its schedule."),
    "attention": ("attention:attention", "Where each word looks."),
    "guidance": ("guidance:guidance", "What the prompt adds, and where."),
    "unet": ("unet:unet", "Down and up the U-Net, whole or in parts."),
    "prompt": ("prompt:prompt", "What the run was told, by token."),
    "steps": ("steps:steps", "How many steps are enough."),
    "vae": ("vae:vae", "A picture through the VAE and back."),
    "compare": ("compare:compare", "Where recorded runs part, and why."),
    "fan": ("fan:fan", "A run and many tiny changes of it: the butterfly."),
    "map": ("map:draw_map", "The ways of runs on a plane, with their ends."),
    "page": ("page:page", "One HTML page to look through a run, or two."),
}
_glass = App(name="glass", help="Pictures of what a recorded run did.")
for _name, (_target, _help) in _GLASS.items():
    _glass.command(f"garasu.app.commands.glass.{_target}", name=_name, help=_help)
app.command(_glass)

_train = App(name="train", help="Train models.")
_train.command("garasu.app.commands.train:base", name="base", help="A small Stable Diffusion from scratch.")
_train.command("garasu.app.commands.train:probe", name="probe", help="The judge of garasu eval.")
app.command(_train)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code: 0 done, 1 pictures differ, 2 refused, 130 interrupted."""
    with sentences():
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        sys.exit(code)
