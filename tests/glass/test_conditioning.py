"""A record's prompt in the prompt inspector, and whether it is what entered the U-Net."""

import pytest
from tests.glass.recorded import recorded

from garasu.glass.conditioning import compared, conditioning_report
from garasu.glass.prompt import inspect_prompt


@pytest.mark.parametrize("prompt", ["a (black:1.3) cat", "a [black:cat:0.5] dog AND cat :0.4", "cat " * 80, "a | b"])
@pytest.mark.parametrize("negative", [False, True])
def test_the_vectors_are_those_of_the_record(tiny, tmp_path, prompt, negative):
    kept = recorded(tiny, tmp_path, prompt=prompt, negative_prompt="dog", clip_skip=2)
    report = conditioning_report(tiny, kept, negative=negative, words=0)
    assert (report.prompt, report.settings.clip_skip) == ("dog" if negative else prompt, 2)
    assert compared(kept, report).startswith("identical to the record")


def test_other_words_are_found_out(tiny, tmp_path):
    kept = recorded(tiny, tmp_path)
    other = inspect_prompt(tiny, "a black dog", words=0)
    far = (other.parts[0].tensor - kept.conditioning[0][0]).square().mean().sqrt()
    assert compared(kept, other) == (
        f"different from the record: its vectors by up to {float(far):.3g} (root mean square of the difference)"
    )


def test_a_run_without_guidance_had_no_negative_prompt(tiny, tmp_path):
    kept = recorded(tiny, tmp_path, guidance_scale=1)
    assert "no negative conditioning" in compared(kept, conditioning_report(tiny, kept, negative=True, words=0))
