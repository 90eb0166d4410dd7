"""The three networks that base training makes, one part each: the VAE, the CLIP pair, the U-Net."""
