"""What other libraries call the entries of the catalogue, and where their defaults or their mean differ.

PyTorch 2.13, Keras 3, scikit-learn 1.9 and JAX 0.10. `offer("activation", "Keras", "leaky_relu").text` is the text that
gives Keras's function here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from symmlp.catalog.parameters import NONE, Settings
from symmlp.errors import SpecError, did_you_mean, shown

Peer = Literal["PyTorch", "Keras", "scikit-learn", "JAX"]
Kind = Literal["activation", "loss"]

PEERS: tuple[Peer, ...] = ("PyTorch", "Keras", "scikit-learn", "JAX")


@dataclass(frozen=True)
class Offer:
    """A function of a peer: its name there, the entry that it is here, and the settings that make the two equal.

    A loss is `factor` times the entry, its entries reduced as the network field `reduction` says.
    """

    kind: Kind
    peer: Peer
    name: str
    entry: str
    settings: Settings = field(default=NONE)
    reduction: Literal["mean", "sum", "batch_mean"] = "mean"
    factor: int = 1

    @property
    def text(self) -> str:
        """What to write in a spec: `leaky_relu(alpha=0.2)`."""
        return self.entry + self.settings.text()


_ACTIVATION_NAMES: dict[str, tuple[str, str, str, str]] = {
    "identity": ("Identity", "linear", "identity", "identity"),
    "sigmoid": ("Sigmoid", "sigmoid", "logistic", "sigmoid"),
    "tanh": ("Tanh", "tanh", "tanh", "tanh"),
    "relu": ("ReLU", "relu", "relu", "relu"),
    "leaky_relu": ("LeakyReLU", "leaky_relu", "", "leaky_relu"),
    "rrelu": ("RReLU", "", "", ""),
    "relu6": ("ReLU6", "relu6", "", "relu6"),
    "elu": ("ELU", "elu", "", "elu"),
    "celu": ("CELU", "celu", "", "celu"),
    "selu": ("SELU", "selu", "", "selu"),
    "softplus": ("Softplus", "softplus", "", "softplus"),
    "silu": ("SiLU", "silu", "", "silu"),
    "gelu": ("GELU", "gelu", "", "gelu(approximate=False)"),
    "gelu_tanh": ("GELU(approximate='tanh')", "gelu(approximate=True)", "", "gelu"),
    "mish": ("Mish", "mish", "", "mish"),
    "hard_sigmoid": ("Hardsigmoid", "hard_sigmoid", "", "hard_sigmoid"),
    "hard_swish": ("Hardswish", "hard_silu", "", "hard_silu"),
    "hard_tanh": ("Hardtanh", "hard_tanh", "", "hard_tanh"),
    "softsign": ("Softsign", "softsign", "", "soft_sign"),
    "softshrink": ("Softshrink", "soft_shrink", "", ""),
    "hardshrink": ("Hardshrink", "hard_shrink", "", ""),
    "tanhshrink": ("Tanhshrink", "tanh_shrink", "", ""),
    "threshold": ("Threshold", "threshold", "", ""),
    "log_sigmoid": ("LogSigmoid", "log_sigmoid", "", "log_sigmoid"),
    "exponential": ("", "exponential", "exp", ""),
    "squareplus": ("", "squareplus", "", "squareplus"),
    "sparse_plus": ("", "sparse_plus", "", "sparse_plus"),
    "sparse_sigmoid": ("", "sparse_sigmoid", "", "sparse_sigmoid"),
    "softmax": ("Softmax", "softmax", "softmax", "softmax"),
    "softmin": ("Softmin", "", "", ""),
    "log_softmax": ("LogSoftmax", "log_softmax", "", "log_softmax"),
    "sparsemax": ("", "sparsemax", "", ""),
    "prelu": ("PReLU", "", "", ""),
    "glu": ("GLU", "glu", "", "glu"),
}
"""Names in the order of PEERS; an empty one means that the peer has none."""

_LOSS_NAMES: dict[str, tuple[str, str, str, str]] = {
    "mse": ("MSELoss", "MeanSquaredError", "", ""),
    "half_mse": ("", "", "squared_error", ""),
    "mae": ("L1Loss", "MeanAbsoluteError", "", ""),
    "huber": ("HuberLoss", "Huber", "", ""),
    "smooth_l1": ("SmoothL1Loss", "", "", ""),
    "log_cosh": ("", "LogCosh", "", ""),
    "mape": ("", "MeanAbsolutePercentageError", "", ""),
    "msle": ("", "MeanSquaredLogarithmicError", "", ""),
    "poisson_nll": ("PoissonNLLLoss", "", "", ""),
    "poisson": ("PoissonNLLLoss(log_input=False)", "Poisson", "", ""),
    "gaussian_nll": ("GaussianNLLLoss", "", "", ""),
    "bce": ("BCELoss", "BinaryCrossentropy", "", ""),
    "bce_with_logits": ("BCEWithLogitsLoss", "BinaryCrossentropy(from_logits=True)", "", ""),
    "hinge": ("", "Hinge", "", ""),
    "squared_hinge": ("", "SquaredHinge", "", ""),
    "soft_margin": ("SoftMarginLoss", "", "", ""),
    "hinge_embedding": ("HingeEmbeddingLoss", "", "", ""),
    "categorical_hinge": ("", "CategoricalHinge", "", ""),
    "multi_margin": ("MultiMarginLoss", "", "", ""),
    "tversky": ("", "Tversky(axis=-1)", "", ""),
    "dice": ("", "Dice(axis=-1)", "", ""),
    "categorical_focal": ("", "CategoricalFocalCrossentropy", "", ""),
    "nll": ("NLLLoss", "", "", ""),
    "cross_entropy": ("CrossEntropyLoss", "CategoricalCrossentropy", "log_loss", ""),
}

_DIFFERENT_DEFAULTS: dict[tuple[Peer, str], Settings] = {
    ("Keras", "leaky_relu"): Settings({"alpha": 0.2}),
    ("Keras", "Poisson"): Settings({"eps": 1e-7}),
    ("PyTorch", "PoissonNLLLoss(log_input=False)"): Settings({"eps": 1e-8}),
}

OFFERS: tuple[Offer, ...] = (
    *(
        Offer("activation", peer, name, entry, _DIFFERENT_DEFAULTS.get((peer, name), NONE))
        for entry, names in _ACTIVATION_NAMES.items()
        for peer, name in zip(PEERS, names, strict=True)
        if name
    ),
    Offer("activation", "Keras", "LeakyReLU layer", "leaky_relu", Settings({"alpha": 0.3})),
    Offer("activation", "Keras", "PReLU layer", "prelu", Settings({"alpha_start": 0})),
    *(
        Offer("loss", peer, name, entry, _DIFFERENT_DEFAULTS.get((peer, name), NONE))
        for entry, names in _LOSS_NAMES.items()
        for peer, name in zip(PEERS, names, strict=True)
        if name
    ),
    # scikit-learn sums these over the outputs, and averages over the samples.
    Offer("loss", "scikit-learn", "binary_log_loss", "bce", reduction="batch_mean"),
    Offer("loss", "Keras", "KLDivergence", "kl_div", reduction="batch_mean"),
    Offer("loss", "PyTorch", "KLDivLoss of log p", "kl_div"),
    Offer("loss", "PyTorch", "-CosineSimilarity", "cosine_similarity"),
    Offer("loss", "Keras", "CosineSimilarity", "cosine_similarity", Settings({"epsilon": 1e-7})),
    Offer("loss", "PyTorch", "MultiLabelSoftMarginLoss", "bce_with_logits"),
    Offer("loss", "Keras", "SparseCategoricalCrossentropy", "cross_entropy"),
    Offer("loss", "PyTorch", "torchvision sigmoid_focal_loss", "focal_with_logits"),
    Offer("loss", "PyTorch", "CrossEntropyLoss of logits", "cross_entropy_with_logits"),
    Offer("loss", "Keras", "CategoricalCrossentropy(from_logits=True)", "cross_entropy_with_logits"),
    # Without class balancing, both classes have weight 1.
    Offer("loss", "Keras", "BinaryFocalCrossentropy", "focal", Settings({"alpha": 0.5}), factor=2),
    Offer("loss", "Keras", "BinaryFocalCrossentropy(apply_class_balancing=True)", "focal"),
)


def offers(kind: Kind, entry: str) -> list[Offer]:
    """Return what peers have of an entry."""
    return [offer for offer in OFFERS if offer.kind == kind and offer.entry == entry]


def offer(kind: Kind, peer: Peer, name: str) -> Offer:
    """Return a peer's function by the name that it has there.

    Raises:
        SpecError: the peer has none of that name that is here too.
    """
    known = {each.name: each for each in OFFERS if (each.kind, each.peer) == (kind, peer)}
    if name not in known:
        hint = did_you_mean(name, known) or f"; expected one of {', '.join(known)}"
        raise SpecError(f"{kind}: no {shown(name)} of {peer}{hint}")
    return known[name]
