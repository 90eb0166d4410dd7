"""What keys that are not a checkpoint's look like."""

import pytest
from tests.checkpoints import compvis
from tests.checkpoints.models import Models, states

from garasu.checkpoints.kinds import foreign

KEYS = {
    "conditioner.embedders.1.model.ln_final.bias": "SDXL",
    "model.diffusion_model.label_emb.0.0.weight": "SDXL",
    "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": "Flux",
    "control_model.input_hint_block.0.weight": "ControlNet",
    "unet.down_blocks.0.attentions.0.to_q.lora_A.weight": "LoRA",
    "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha": "LoRA",
    "emb_params": "embedding",
}


@pytest.mark.parametrize("key", KEYS)
def test_other_files_are_known_by_one_key(key: str) -> None:
    assert KEYS[key] in (foreign(["a", key]) or "")


def test_checkpoints_of_ours_are_not_foreign(sd1: Models, sd2: Models) -> None:
    for models in (sd1, sd2):
        assert foreign(compvis.checkpoint(states(models), second=models.openclip)) is None
        assert foreign(key for part in states(models).values() for key in part) is None
