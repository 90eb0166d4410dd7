import base64
import json

import numpy as np
import torch

from garasu.glass.prompt import PromptReport, inspect_prompt


def test_a_report_comes_back_from_json(tiny):
    report = inspect_prompt(tiny, "[cat:dog:0.5] <&> (black:1.2)", ["dog", ""], steps=4)
    again = PromptReport.from_json(report.to_json())
    assert again.to_json() == report.to_json()
    assert again.text() == report.text()
    assert again.settings == report.settings
    assert again.parts[1].places == report.parts[1].places
    assert again.cosines == report.cosines
    assert again.differences == report.differences
    for one, other in zip(again.shown, report.shown, strict=True):
        assert torch.equal(one.tensor, other.tensor)


def test_the_tensor_in_the_json_is_little_endian_float32(tiny):
    report = inspect_prompt(tiny, "cat")
    packed = json.loads(report.to_json())["parts"][0]["tensor"]
    assert packed["shape"] == [77, 32]
    values = np.frombuffer(base64.b64decode(packed["float32"]), "<f4").reshape(77, 32)
    assert np.array_equal(values, report.parts[0].tensor.numpy())
