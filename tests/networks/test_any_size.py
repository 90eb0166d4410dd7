"""Pictures of any size: whole, or in tiles."""

import torch

from garasu.networks import any_size


@torch.no_grad()
def test_large_pictures_are_taken_in_tiles(tiny, monkeypatch):
    latent = tiny.encode_image(torch.rand(1, 3, 64, 128) * 2 - 1)
    whole = tiny.decode(latent)
    used = []
    monkeypatch.setattr("garasu.networks.any_size.WHOLE", 8 * 16 - 1)
    monkeypatch.setattr(
        "garasu.networks.any_size.tiled.decode", lambda vae, one: used.append("decode") or vae.decode(one)
    )
    assert tiny.decode(latent).tobytes() == whole.tobytes()
    monkeypatch.setattr(
        "garasu.networks.any_size.tiled.encode", lambda vae, one: used.append("encode") or vae.encode(one)
    )
    tiny.encode_image(torch.rand(1, 3, 64, 128))
    assert used == ["decode", "encode"]
    monkeypatch.setattr("garasu.networks.any_size.WHOLE", 8 * 16)
    tiny.decode(latent)
    tiny.encode_image(torch.rand(1, 3, 64, 128))
    assert used == ["decode", "encode"]


@torch.no_grad()
def test_what_does_not_fit_into_a_gpu_s_memory_is_decoded_in_tiles(tiny, monkeypatch):
    latent = tiny.encode_image(torch.rand(1, 3, 64, 64) * 2 - 1)
    decode, full = tiny.vae.decode, [True]

    def decode_the_second_time(one):
        if full.pop():
            full.append(False)
            raise torch.OutOfMemoryError
        return decode(one)

    monkeypatch.setattr(tiny.vae, "decode", decode_the_second_time)
    monkeypatch.setattr("garasu.networks.any_size.tiled.decode", lambda vae, one: vae.decode(one))
    assert torch.equal(any_size.decode(tiny.vae, latent), decode(latent))
