"""Attention twice, side by side: written out (the definition) and fused (the speed).

Vaswani et al. 2017, eq. 1: softmax(Q Kᵀ / √d) V. A test holds the two against each other; the written-out form
runs when somebody looks through the ``weights`` pane, because only there do the weights exist. It also runs where it
is the faster one, in training on a CPU.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from garasu.panes import Pane

MOST_WRITTEN_OUT = 1 << 20  # weights of one head that are cheaper to hold than to make again


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, T, D] → [B, N, T, D/N]."""
    rows, tokens, width = x.shape
    return x.view(rows, tokens, heads, width // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[B, N, T, D/N] → [B, T, D]."""
    rows, heads, tokens, width = x.shape
    return x.transpose(1, 2).reshape(rows, tokens, heads * width)


class Attention(nn.Module):
    """Multi-head attention of ``x`` over ``context`` (over itself when there is none).

    ``weights`` is the pane where softmax(Q Kᵀ / √d) [B, N, P, T] is seen or changed. Input biases differ by
    network: none in the U-Net, all in CLIP and the VAE.
    """

    def __init__(
        self, width: int, heads: int, context_width: int | None = None, *, bias: bool = False, causal: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.to_q = nn.Linear(width, width, bias=bias)
        self.to_k = nn.Linear(context_width or width, width, bias=bias)
        self.to_v = nn.Linear(context_width or width, width, bias=bias)
        self.to_out = nn.Linear(width, width)
        self.weights = Pane()

    def forward(self, x: Tensor, context: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """x [B, P, D], context [B, T, C] → [B, P, D]; ``seen`` [B, T] is False where nothing may look."""
        context = x if context is None else context
        q = split_heads(self.to_q(x), self.heads)  # [B, N, P, D/N]
        k = split_heads(self.to_k(context), self.heads)  # [B, N, T, D/N]
        v = split_heads(self.to_v(context), self.heads)  # [B, N, T, D/N]
        if seen is not None or self.weights.watched or _slow_when_fused(q, k):
            return self.to_out(merge_heads(self.written_out(q, k, v, seen)))
        return self.to_out(merge_heads(self.fused(q, k, v)))

    def written_out(self, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
        """The definition: every weight is there to be seen."""
        scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5  # [B, N, P, T]
        if self.causal:
            later = scores.new_ones(scores.shape[-2:]).triu(1).bool()
            scores = scores.masked_fill(later, float("-inf"))
        if seen is not None:
            scores = scores.masked_fill(~seen[:, None, None], float("-inf"))
        return self.weights(scores.softmax(-1)) @ v  # [B, N, P, D/N]

    def fused(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """The same result without ever holding all weights in memory."""
        return scaled_dot_product_attention(q, k, v, is_causal=self.causal)


def _slow_when_fused(q: Tensor, k: Tensor) -> bool:
    """Whether this is a step of training on a CPU: its fused backward takes three times as long as the definition's."""
    return q.requires_grad and q.device.type == "cpu" and q.shape[-2] * k.shape[-2] <= MOST_WRITTEN_OUT
