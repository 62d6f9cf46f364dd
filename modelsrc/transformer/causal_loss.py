"""Cross entropy of the next token."""

from typing import Any

from torch import Tensor
from torch.nn import functional as F


class CausalLoss:
    """Token t is predicted by the logits at t - 1; targets of ``ignore_index`` do not count.

    Without num_items_in_batch: the mean over the targets of this call. With it: the sum divided by that
    number, so that micro-batches of any size add up to the loss, and the gradient, of the whole batch.
    A call without a single target gives 0, not NaN.

    Shapes: logits (B, T, V), labels (B, T) -> scalar. shift_labels (B, T), where given, are taken as
    already shifted and labels are not looked at.
    """

    def __init__(self, ignore_index: int = -100) -> None:
        self.ignore_index = ignore_index

    def __call__(
        self,
        logits: Tensor,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        shift_labels: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        if shift_labels is None:
            # The labels move, not the logits: a shifted copy of (B, T, V) would cost far more.
            shift_labels = F.pad(labels, (0, 1), value=self.ignore_index)[..., 1:]
        targets = shift_labels.reshape(-1).to(logits.device)
        total = F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]).float(),
            targets,
            ignore_index=self.ignore_index,
            reduction="sum",
        )
        if num_items_in_batch is None:
            return total / (targets != self.ignore_index).sum().clamp(min=1)
        if isinstance(num_items_in_batch, Tensor):
            num_items_in_batch = num_items_in_batch.to(total.device)
        return total / num_items_in_batch

    def __repr__(self) -> str:
        return f"CausalLoss(ignore_index={self.ignore_index})"
