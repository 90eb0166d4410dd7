"""The probe, on networks that predict ε or v perfectly by construction."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from garasu.checkpoints.probe import prediction
from garasu.networks.unet import UNet, UNetConfig

SMALL = UNetConfig(channels=(16, 32), layers=1, attention=(True, True), heads=(2, 2), context_width=8, groups=8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("target", "expected"), [(0.5, "epsilon"), (-0.4, "epsilon"), (-0.6, "v_prediction"), (-3.0, "v_prediction")]
)
def test_the_mean_decides(dtype: torch.dtype, target: float, expected: str) -> None:
    unet = UNet(SMALL)
    with torch.no_grad():
        unet.conv_out.weight.zero_()
        unet.conv_out.bias.fill_(target)
    assert prediction(unet.to(dtype)) == expected


def test_the_question_that_is_asked() -> None:
    asked: list[tuple[Tensor, ...]] = []
    unet = UNet(SMALL)
    forward = unet.forward

    def listen(*args: Tensor) -> Tensor:
        asked.append(args)
        return forward(*args)

    unet.forward = listen  # type: ignore[method-assign]
    prediction(unet)
    x, t, context = asked[0]
    assert x.shape == (1, 4, 8, 8)
    assert t.tolist() == [999]
    assert {x.unique().item(), context.unique().item()} == {0.5}
