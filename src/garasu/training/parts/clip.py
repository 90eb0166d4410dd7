"""Training the CLIP pair: which caption belongs to which picture (Radford et al. 2021, figure 3).

Where pictures come with attribute labels, small heads must also read the attributes off both towers: the contrast
alone soon tells pictures apart by the easy ones. The text head reads the mean over all tokens as well as the pooled
state, since the U-Net will attend to every token and the contrast teaches the last one only. Rare values weigh more,
and the labels more than the contrast: where they did not, "left" and "right" came out nearly the same, and the U-Net
could not tell them apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from garasu.networks.clip_text import CLIPText, CLIPTextConfig
from garasu.networks.clip_vision import CLIPVision, CLIPVisionConfig, square
from garasu.prompts.tokenizer import Tokenizer
from garasu.training.data import Pictures, as_images, step_rng
from garasu.training.loop import Part
from garasu.training.machine import Machine

LABEL_WEIGHT = 2.0
LENGTHS = 16  # compiled, captions are cut to a multiple of this many tokens, so that there are few shapes to compile
MAX_LOGIT_SCALE = math.log(100)  # as CLIP clips it, against instability


class CLIPPart(Part):
    """Both towers, contrasted over the batch."""

    name = "clip"

    def __init__(
        self, text: CLIPTextConfig, vision: CLIPVisionConfig, tokenizer: Tokenizer, pictures: Pictures, seed: int = 0
    ) -> None:
        super().__init__()
        self.text = CLIPText(text)
        self.vision = CLIPVision(vision)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.tokenizer, self.pictures, self.seed = tokenizer, pictures, seed
        values = pictures.label_values
        self.label_heads = nn.ModuleDict(
            {
                name: LabelHead(text, vision, balance(pictures, name, found))
                for name, found in values.items()
                if len(found) > 1
            }
        )
        self._index = {name: {value: i for i, value in enumerate(found)} for name, found in values.items()}
        initialise(self)

    def batch(self, step: int, size: int, machine: Machine) -> dict[str, Tensor]:
        """Square pixels [B, 3, S, S], caption ids [B, T] and label indices [B, A] of one step."""
        rng = step_rng(self.seed, step, machine.rank)
        number, indices = self.pictures.choose(rng, size)
        bucket = self.pictures.buckets[number]
        which = torch.randint(1 << 30, (size,), generator=rng).tolist()
        captions = [bucket.captions[i][w % len(bucket.captions[i])] for i, w in zip(indices, which, strict=True)]
        labels = [[self._index[name][bucket.labels[i][name]] for name in self.label_heads] for i in indices]
        batch = {
            "ids": trimmed_ids(
                self.tokenizer, captions, self.text.config.max_length, LENGTHS if machine.compiled else 1
            ),
            "labels": torch.tensor(labels).view(size, -1),
        }
        pixels = machine.store.take(bucket.pixels, torch.tensor(indices))
        return {name: machine.store.send(value) for name, value in batch.items()} | {
            "pixels": square(as_images(pixels), self.vision.config.image_size)
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Symmetric cross-entropy over the batch, plus the labels."""
        hidden = self.text(batch["ids"])
        pooled = self.text.pooled(hidden, batch["ids"], self.tokenizer.eos_id)
        words = F.normalize(self.text.project(pooled), dim=-1)
        seen = self.vision(batch["pixels"])
        images = F.normalize(seen, dim=-1)
        logits = self.logit_scale.clamp(max=MAX_LOGIT_SCALE).exp() * (images @ words.T).float()
        own = torch.arange(len(logits), device=logits.device)
        contrast = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        label_loss = self._label_loss(hidden, pooled, seen, batch["labels"])
        found = (logits.argmax(1) == own).float().mean()
        return {
            "loss": contrast + LABEL_WEIGHT * label_loss,
            "contrast": contrast,
            "labels": label_loss,
            "found": found,
        }

    def _label_loss(self, hidden: Tensor, pooled: Tensor, seen: Tensor, labels: Tensor) -> Tensor:
        states = pooled + hidden.mean(1)
        losses = [head(states, seen, labels[:, i]) for i, head in enumerate(self.label_heads.values())]
        return torch.stack(losses).mean() if losses else pooled.new_zeros(())


class LabelHead(nn.Module):
    """Reads one attribute off text and picture; thrown away after training."""

    weights: Tensor  # of each value [V]

    def __init__(self, text: CLIPTextConfig, vision: CLIPVisionConfig, weights: Tensor) -> None:
        super().__init__()
        self.from_text = nn.Linear(text.width, len(weights))
        self.from_picture = nn.Linear(vision.projection_width, len(weights))
        self.register_buffer("weights", weights)

    def forward(self, words: Tensor, seen: Tensor, label: Tensor) -> Tensor:
        """Sum of both cross-entropies."""
        text = F.cross_entropy(self.from_text(words).float(), label, self.weights)
        return text + F.cross_entropy(self.from_picture(seen).float(), label, self.weights)


def balance(pictures: Pictures, name: str, values: Sequence[str]) -> Tensor:
    """A weight for each value of an attribute [V]: one over the root of its count, the most frequent one's being 1."""
    counts = Counter(one[name] for bucket in pictures.buckets for one in bucket.labels)
    found = torch.tensor([counts[value] for value in values], dtype=torch.float)
    return (found.max() / found).sqrt()


def trimmed_ids(tokenizer: Tokenizer, captions: list[str], length: int, multiple: int = 1) -> Tensor:
    """Caption ids [B, T] cut to the batch's longest caption, T being a multiple of ``multiple`` or ``length``.

    Exact, not an approximation: the tower is causal, so what follows the end of text cannot reach back to it.
    """
    ids = torch.tensor([tokenizer.fit(one, length).ids for one in captions])
    ends = (ids == tokenizer.eos_id).int().argmax(1)
    longest = int(ends.max()) + 1
    return ids[:, : -(-longest // multiple) * multiple]


def initialise(pair: CLIPPart) -> None:
    """CLIP's initialisation: narrow normals that keep the residual stream's variance over depth."""
    for tower, depth in ((pair.text, pair.text.config.layers), (pair.vision, pair.vision.config.layers)):
        width = tower.config.width
        for name, one in tower.named_parameters():
            if one.ndim < 2:
                continue
            if "embedding" in name and "patch" not in name:
                nn.init.normal_(one, std=0.02)
            elif name.endswith(("to_out.weight", "proj_out.weight")):
                nn.init.normal_(one, std=width**-0.5 * (2 * depth) ** -0.5)
            elif "patch_embedding" not in name:
                nn.init.normal_(one, std=width**-0.5)
