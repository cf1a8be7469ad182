"""Linear layers with weights in eight bits."""

from __future__ import annotations

from typing import Any

from generators.model_libraries import model_libraries


def quantise(model: Any) -> Any:
    """Replace the linear layers of a float32 model on the CPU by eight-bit ones, and return the model.

    Weights: symmetric, one scale for each output. Inputs: symmetric, one scale for each token, taken anew each time.
    One scale for the whole input, as `torch.ao` takes it, would let a row's result depend on its neighbours. The
    products are summed in 32 bits by `torch._int_mm`, the operation that torchao uses too; torchao itself costs 0.4 ms
    a layer outside a compiled graph, which is ten times the multiplication.

    Source: Dettmers, Lewis, Belkada, Zettlemoyer (2022), "LLM.int8()", section 2.1 (vector-wise quantisation; no
    outlier columns here).
    """
    torch, _ = model_libraries()
    layer = _layer_class(torch)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, torch.nn.Linear):
                setattr(module, name, layer(child))
    return model


def _layer_class(torch: Any) -> Any:
    class Int8Linear(torch.nn.Module):  # type: ignore[misc]
        """y = x Wᵀ + b with W in int8; x of shape (…, inputs)."""

        def __init__(self, linear: Any) -> None:
            super().__init__()
            weight = linear.weight.detach().float()
            scale = (weight.abs().amax(dim=1) / 127).clamp_min(1e-12)
            rounded = (weight / scale[:, None]).round().to(torch.int8)
            self.out_features, self.in_features = weight.shape
            self.register_buffer("weight", rounded.t())
            self.register_buffer("scale", scale)
            self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().float())

        def forward(self, x: Any) -> Any:
            rows = x.reshape(-1, self.in_features)
            step = rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
            whole = (rows / step).round_().to(torch.int8)
            y = torch._int_mm(whole, self.weight).to(torch.float32).mul_(step).mul_(self.scale)
            if self.bias is not None:
                y += self.bias
            return y.reshape(*x.shape[:-1], self.out_features)

    return Int8Linear
