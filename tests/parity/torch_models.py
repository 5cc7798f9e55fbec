"""Networks of a spec in plain PyTorch, float64. No formula here comes from symmlp: only names are shared.

Catalogued activations and losses are PyTorch's own functions; expressions are written again by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symmlp.catalog.activations import activation
from symmlp.spec import Network
from symmlp.spec_layers import Activate, BatchNorm, Concatenate, Dense, Layer, LayerNorm, Residual, RMSNorm
from tests.parity.comparison import Array, Result, framework, parameters

torch = framework("torch")
F = framework("torch.nn.functional")

# The comparison is about last bits; the order of a sum should not depend on the number of cores.
torch.set_num_threads(1)

Tensor = Any
LossForm = Callable[[Tensor, Tensor, Tensor, str], Tensor]
"""The loss of the last layer's pre-activations Z and predictions P against targets Y; reduction is `mean` or `sum`."""

NO_THRESHOLD = 1e9
"""F.softplus becomes the identity above its threshold, an error of 2e-9 at the default of 20."""


def _sparsemax(x: Tensor) -> Tensor:
    """Return the projection on the simplex as Keras computes it: entries sorted, the last one that stays above 0."""
    falling, _ = torch.sort(x, dim=1, descending=True)
    sums, places = torch.cumsum(falling, dim=1), torch.arange(1, x.shape[1] + 1, dtype=x.dtype)
    size = (1 + places * falling > sums).sum(dim=1, keepdim=True)
    return torch.clamp(x - (torch.gather(sums, 1, size - 1) - 1) / size, min=0)


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "identity": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softplus": lambda x: F.softplus(x, threshold=NO_THRESHOLD),
    "silu": F.silu,
    "gelu": F.gelu,
    "softmax": lambda x: F.softmax(x, dim=1),
    "rrelu": lambda x: F.rrelu(x, training=False),
    "relu6": F.relu6,
    "celu": F.celu,
    "selu": F.selu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    # F.hardsigmoid multiplies its gradient by 1/6 rounded to float32, in float64 too.
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
    "hard_swish": F.hardswish,
    "hard_tanh": F.hardtanh,
    "softsign": F.softsign,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "tanhshrink": F.tanhshrink,
    "threshold": lambda x: F.threshold(x, 0.0, 0.0),
    "log_sigmoid": F.logsigmoid,
    "exponential": torch.exp,
    "squareplus": lambda x: (x + torch.sqrt(x * x + 4)) / 2,
    "sparse_plus": lambda x: torch.where(x <= -1, 0 * x, torch.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: torch.clamp(x + 1, 0, 2) / 2,
    "snake": lambda x: x + torch.sin(x) ** 2,
    "gaussian": lambda x: torch.exp(-x.square()),
    "sine": torch.sin,
    "softmin": lambda x: F.softmin(x, dim=1),
    "log_softmax": lambda x: F.log_softmax(x, dim=1),
    "sparsemax": lambda x: _sparsemax(x),
    "prelu": F.prelu,
    "learnable_swish": lambda x, beta: x * torch.sigmoid(beta * x),
    "srelu": lambda x, low, low_gain, high, high_gain: torch.where(
        x <= low, low + low_gain * (x - low), torch.where(x >= high, high + high_gain * (x - high), x)
    ),
    "glu": lambda x, gate: F.glu(torch.cat([x, gate], dim=1), dim=1),
    "reglu": lambda x, gate: x * F.relu(gate),
    "geglu": lambda x, gate: x * F.gelu(gate),
    "swiglu": lambda x, gate: x * F.silu(gate),
    "maxout": torch.maximum,
    "maxout_3": lambda x, gate, other: torch.maximum(x, torch.maximum(gate, other)),
    "x*tanh(log(1 + exp(x)))": F.mish,
    "x*sigmoid(3*x/2)": lambda x: x * torch.sigmoid(1.5 * x),
    "x/(1 + abs(x))": F.softsign,
    "sin(x) + 0.1*x": lambda x: torch.sin(x) + 0.1 * x,
    "exp(-x**2)": lambda x: torch.exp(-x.square()),
    "where(x > 0, x, 0.2*x)": lambda x: F.leaky_relu(x, 0.2),
    "max(min(x, 1), -1)": F.hardtanh,
    "(x + sqrt(x**2 + 4))/2": lambda x: (x + torch.sqrt(x * x + 4)) / 2,
    "1/(1 + exp(-2*x))": lambda x: torch.sigmoid(2 * x),
}


def entrywise(form: Callable[[Tensor, Tensor], Tensor]) -> LossForm:
    """Return the loss whose entries are `form(p, y)`."""
    return lambda _, p, y, reduction: getattr(form(p, y), reduction)()


def _focal(p: Tensor, y: Tensor) -> Tensor:
    return -y * (1 - p) ** 2 * torch.log(p) / 4 - (1 - y) * p**2 * torch.log(1 - p) * 3 / 4


def _one_hot(p: Tensor, y: Tensor) -> Tensor:
    return F.one_hot(y, p.shape[1]).to(p.dtype)


LOSSES: dict[str, LossForm] = {
    "mse": lambda _, p, y, reduction: F.mse_loss(p, y, reduction=reduction),
    "mae": lambda _, p, y, reduction: F.l1_loss(p, y, reduction=reduction),
    "bce": lambda _, p, y, reduction: F.binary_cross_entropy(p, y, reduction=reduction),
    "bce_with_logits": lambda _, p, y, reduction: F.binary_cross_entropy_with_logits(p, y, reduction=reduction),
    "half_mse": lambda _, p, y, reduction: F.mse_loss(p, y, reduction=reduction) / 2,
    "huber": lambda _, p, y, reduction: F.huber_loss(p, y, reduction=reduction),
    "smooth_l1": lambda _, p, y, reduction: F.smooth_l1_loss(p, y, reduction=reduction),
    "log_cosh": entrywise(lambda p, y: torch.log(torch.cosh(p - y))),
    "mape": entrywise(lambda p, y: 100 * abs((y - p) / y)),
    "msle": entrywise(lambda p, y: (torch.log1p(y) - torch.log1p(p)) ** 2),
    "pinball": entrywise(lambda p, y: abs(p - y) / 2),
    "expectile": entrywise(lambda p, y: (p - y) ** 2 / 2),
    "gaussian_nll": lambda _, p, y, reduction: F.gaussian_nll_loss(p, y, torch.ones_like(p), reduction=reduction),
    "poisson_nll": lambda _, p, y, reduction: F.poisson_nll_loss(p, y, reduction=reduction),
    "poisson": lambda _, p, y, reduction: F.poisson_nll_loss(p, y, log_input=False, eps=0, reduction=reduction),
    "tweedie": entrywise(lambda p, y: 2 * torch.sqrt(p) + 2 * y / torch.sqrt(p)),
    # With reduction="mean" PyTorch warns that the mean will soon be another one.
    "kl_div": lambda _, p, y, reduction: getattr(F.kl_div(torch.log(p), y, reduction="none"), reduction)(),
    "focal": entrywise(lambda p, y: _focal(p, y)),
    "focal_with_logits": entrywise(lambda p, y: _focal(torch.sigmoid(p), y)),
    "hinge": entrywise(lambda p, y: F.relu(1 - y * p)),
    "squared_hinge": entrywise(lambda p, y: F.relu(1 - y * p) ** 2),
    "soft_margin": lambda _, p, y, reduction: F.soft_margin_loss(p, y, reduction=reduction),
    "hinge_embedding": lambda _, p, y, reduction: F.hinge_embedding_loss(p, y, reduction=reduction),
    "cosine_similarity": lambda _, p, y, reduction: getattr(-F.cosine_similarity(p, y), reduction)(),
    "dice": lambda _, p, y, reduction: getattr(
        1 - 2 * (p * y).sum(dim=1) / (p.sum(dim=1) + y.sum(dim=1) + 1e-7), reduction
    )(),
    "tversky": lambda _, p, y, reduction: getattr(
        1 - (p * y).sum(dim=1) / ((p.sum(dim=1) + y.sum(dim=1)) / 2 + 1e-7), reduction
    )(),
    "categorical_hinge": lambda _, p, y, reduction: getattr(
        F.relu(1 + torch.amax((1 - _one_hot(p, y)) * p, dim=1) - (_one_hot(p, y) * p).sum(dim=1)), reduction
    )(),
    "multi_margin": lambda _, p, y, reduction: F.multi_margin_loss(p, y, reduction=reduction),
    "categorical_focal": lambda z, p, y, reduction: getattr(
        (1 - p.gather(1, y[:, None])[:, 0]) ** 2 * F.cross_entropy(z, y, reduction="none") / 4, reduction
    )(),
    "nll": lambda _, p, y, reduction: (
        F.nll_loss(p, y, reduction=reduction) if y.ndim == 1 else getattr(-(p * y).sum(dim=1), reduction)()
    ),
    # PyTorch's cross entropy starts from logits: the softmax of the last layer is part of it.
    "cross_entropy": lambda z, _, y, reduction: F.cross_entropy(z, y, reduction=reduction),
    "cross_entropy_with_logits": lambda _, p, y, reduction: F.cross_entropy(p, y, reduction=reduction),
    "(p - y)**2 + abs(p - y)": entrywise(lambda p, y: (p - y) ** 2 + abs(p - y)),
    "log(cosh(p - y))": entrywise(lambda p, y: torch.log(torch.cosh(p - y))),
    "sqrt(1 + (p - y)**2) - 1": entrywise(lambda p, y: torch.sqrt(1 + (p - y) ** 2) - 1),
    "max(0.9*(y - p), 0.1*(p - y))": entrywise(lambda p, y: torch.maximum(0.9 * (y - p), 0.1 * (p - y))),
    "where(abs(p - y) < 1, (p - y)**2/2, abs(p - y) - 1/2)": lambda _, p, y, reduction: F.huber_loss(
        p, y, reduction=reduction
    ),
    "exp(p) - y*p": lambda _, p, y, reduction: F.poisson_nll_loss(p, y, reduction=reduction),
    "softplus(p) - y*p": entrywise(lambda p, y: F.softplus(p, threshold=NO_THRESHOLD) - y * p),
    # F.binary_cross_entropy refuses targets outside [0, 1]; the formula of an expression has no such bound.
    "-y*log(p) - (1 - y)*log(1 - p)": entrywise(lambda p, y: -y * torch.log(p) - (1 - y) * torch.log(1 - p)),
}


def torch_result(network: Network, theta: Array, inputs: Array, targets: Array) -> Result:
    """Return PyTorch's loss and autograd's gradients for `network` at `theta`."""
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in parameters(network, theta).items()}
    p = z = torch.from_numpy(inputs)
    outputs = [p]
    for number, layer in enumerate(network.layers, start=1):
        z, p = _layer(layer, number, tensors, outputs)
        outputs.append(p)
    total = _reduced(network, z, p, torch.from_numpy(targets))
    total.backward()
    return Result(total.item(), {name: tensor.grad.numpy() for name, tensor in tensors.items()})


def _layer(layer: Layer, number: int, tensors: dict[str, Tensor], outputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return what the cross entropy starts from, and the layer's outputs."""
    x, size = outputs[-1], outputs[-1].shape[1:]
    match layer:
        case Dense():
            pieces = [name.removeprefix(f"W{number}") for name in tensors if name.split("_")[0] == f"W{number}"]
            before = [F.linear(x, tensors[f"W{number}{piece}"], tensors.get(f"b{number}{piece}")) for piece in pieces]
            return _activated(layer.activation, before, number, tensors)
        case Activate():
            return _activated(layer.activation, [x], number, tensors)
        case BatchNorm():
            own = tensors[f"g{number}"], tensors[f"b{number}"]
            return x, F.batch_norm(x, None, None, *own, training=True, eps=layer.epsilon)
        case LayerNorm():
            return x, F.layer_norm(x, size, tensors[f"g{number}"], tensors[f"b{number}"], layer.epsilon)
        case RMSNorm():
            return x, F.rms_norm(x, size, tensors[f"g{number}"], layer.epsilon)
        case Residual():
            return x, x + outputs[layer.layer]
        case Concatenate():
            return x, torch.cat([x, outputs[layer.layer]], dim=1)
    raise NotImplementedError(layer.type)


def _activated(name: str, before: list[Tensor], number: int, tensors: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    learned = [tensors[f"{each.name}{number}"] for each in activation(name).learned]
    return -before[0] if name == "softmin" else before[0], ACTIVATIONS[name](*before, *learned)


def _reduced(network: Network, z: Tensor, p: Tensor, y: Tensor) -> Tensor:
    form = LOSSES[network.loss]
    if "label_smoothing" in network.loss_parameters:
        smoothing = float(network.loss_parameters["label_smoothing"])
        total = F.cross_entropy(z, y, reduction="sum", label_smoothing=smoothing)
        return total if network.reduction == "sum" else total / len(z)
    if network.reduction == "batch_mean":
        return form(z, p, y, "sum") / len(p)
    return form(z, p, y, network.reduction)
