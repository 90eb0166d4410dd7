"""From text to the conditioning that the U-Net reads: tokenizer, vocabulary files, encoding."""
