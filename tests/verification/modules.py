"""Modules written by hand that keep the contract of generated ones, and copies of them with one mistake each."""

from __future__ import annotations

from symmlp.spec import Dense, Network

HEAD = """
import numpy as np

DTYPE = np.float64


def init_params(seed=0):
    return np.random.Generator(np.random.PCG64(seed)).normal(size=N_PARAMS).astype(DTYPE)


class Parameters:
    pass


def unpack(theta):
    parameters, start = Parameters(), 0
    for name, shape in SHAPES.items():
        stop = start + int(np.prod(shape))
        setattr(parameters, name, theta[start:stop].reshape(shape))
        start = stop
    return parameters


def _checked(theta, X):
    if theta.shape != (N_PARAMS,) or X.ndim != 2 or X.shape[1] != SPEC["inputs"] or not len(X):
        raise ValueError("wrong shape")
    return unpack(theta)


def _flat(gradients, out):
    gradient = np.concatenate([part.ravel() for part in gradients])
    if out is None:
        return gradient
    out[:] = gradient
    return out
"""

REGRESSION = Network(
    inputs=4,
    layers=(Dense(3, "tanh"), Dense(2, "identity")),
    loss="mse",
)

REGRESSION_MODULE = (
    '"""A multi-layer perceptron, 4 -> 3 tanh -> 2, with mean squared error."""\n'
    + HEAD
    + """
SPEC = {
    "inputs": 4,
    "layers": [{"units": 3, "activation": "tanh"}, {"units": 2}],
    "loss": "mse",
}
SHAPES = {"W1": (3, 4), "b1": (3,), "W2": (2, 3), "b2": (2,)}
N_PARAMS = 23


def forward(theta, X):
    p = _checked(theta, X)
    return np.tanh(X @ p.W1.T + p.b1) @ p.W2.T + p.b2


def predict(theta, X):
    return forward(theta, X)


def loss(theta, X, Y):
    P = forward(theta, X)
    if P.shape != Y.shape:
        raise ValueError("wrong shape")
    return (((P - Y) ** 2).sum() / P.size).item()


def loss_and_grad(theta, X, Y, out=None):
    L = loss(theta, X, Y)
    p = _checked(theta, X)
    A1 = np.tanh(X @ p.W1.T + p.b1)
    P = A1 @ p.W2.T + p.b2
    dP = 2 * (P - Y) / P.size
    dW2 = dP.T @ A1
    db2 = dP.sum(axis=0)
    dZ1 = dP @ p.W2 * (1 - A1**2)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return L, _flat([dW1, db1, dW2, db2], out)
"""
)

CLASSIFICATION = Network(
    inputs=3,
    layers=(Dense(5, "softplus", bias=False), Dense(4, "softmax")),
    loss="cross_entropy",
)

CLASSIFICATION_MODULE = (
    '"""A multi-layer perceptron, 3 -> 5 softplus -> 4 softmax, with cross-entropy."""\n'
    + HEAD
    + """
SPEC = {
    "inputs": 3,
    "layers": [{"units": 5, "activation": "softplus", "bias": False}, {"units": 4, "activation": "softmax"}],
    "loss": "cross_entropy",
}
SHAPES = {"W1": (5, 3), "W2": (4, 5), "b2": (4,)}
N_PARAMS = 39


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _log_softmax(Z):
    D = Z - Z.max(axis=1, keepdims=True)
    return D - np.log(np.exp(D).sum(axis=1, keepdims=True))


def _dense(theta, X):
    p = _checked(theta, X)
    return _softplus(X @ p.W1.T) @ p.W2.T + p.b2


def _rows(Y, N):
    if Y.shape == (N,):
        return np.eye(4, dtype=DTYPE)[Y]
    if Y.shape != (N, 4):
        raise ValueError("wrong shape")
    return Y


def forward(theta, X):
    return np.exp(_log_softmax(_dense(theta, X)))


def predict(theta, X):
    return forward(theta, X).argmax(axis=1)


def loss(theta, X, Y):
    return (-(_rows(Y, len(X)) * _log_softmax(_dense(theta, X))).sum() / len(X)).item()


def loss_and_grad(theta, X, Y, out=None):
    L = loss(theta, X, Y)
    p = _checked(theta, X)
    Z1 = X @ p.W1.T
    A1 = _softplus(Z1)
    P = np.exp(_log_softmax(A1 @ p.W2.T + p.b2))
    dZ2 = (P - _rows(Y, len(X))) / len(X)
    dW2 = dZ2.T @ A1
    db2 = dZ2.sum(axis=0)
    t = np.exp(-np.abs(Z1))
    dZ1 = dZ2 @ p.W2 * np.where(Z1 >= 0, 1 / (1 + t), t / (1 + t))
    dW1 = dZ1.T @ X
    return L, _flat([dW1, dW2, db2], out)
"""
)


RELU = Network(inputs=4, layers=(Dense(3, "relu"), Dense(2)), loss="mae")

RELU_MODULE = (
    REGRESSION_MODULE.replace("np.tanh(X @ p.W1.T + p.b1)", "np.maximum(X @ p.W1.T + p.b1, 0)")
    .replace("(1 - A1**2)", "(A1 > 0)")
    .replace("((P - Y) ** 2)", "np.abs(P - Y)")
    .replace("2 * (P - Y) /", "np.sign(P - Y) /")
    .replace('"tanh"', '"relu"')
    .replace('"mse"', '"mae"')
)
"""A module with kinks: relu and mean absolute error."""


LINEAR = Network(inputs=4, layers=(Dense(2, bias=False),), loss="mae", reduction="sum")

LINEAR_MODULE = (
    '"""A linear network, 4 -> 2 without bias, with the sum of absolute errors."""\n'
    + HEAD
    + """
SPEC = {"inputs": 4, "layers": [{"units": 2, "bias": False}], "loss": "mae", "reduction": "sum"}
SHAPES = {"W1": (2, 4)}
N_PARAMS = 8


def forward(theta, X):
    return X @ _checked(theta, X).W1.T


def predict(theta, X):
    return forward(theta, X)


def loss(theta, X, Y):
    if Y.shape != (len(X), 2):
        raise ValueError("wrong shape")
    return np.abs(forward(theta, X) - Y).sum().item()


def loss_and_grad(theta, X, Y, out=None):
    return loss(theta, X, Y), _flat([np.sign(forward(theta, X) - Y).T @ X], out)
"""
)
"""A module whose every parameter is at a kink where the prediction is the target."""


def replaced(source: str, *changes: tuple[str, str]) -> str:
    """Return the module with some texts replaced wherever they stand; one that is missing is a mistake of the test."""
    for text, by in changes:
        if text not in source:
            raise LookupError(f"the module does not hold {text!r}")
        source = source.replace(text, by)
    return source


GRADIENT_MISTAKES: dict[str, tuple[str, str]] = {
    "a transpose is missing": ("dW2 = dP.T @ A1", "dW2 = (A1.T @ dP).reshape(2, 3)"),
    "1/N is missing": ("dP = 2 * (P - Y) / P.size", "dP = 2 * (P - Y) / 2"),
    "a factor 2 is missing": ("dP = 2 * (P - Y)", "dP = (P - Y)"),
    "a sign is wrong": ("* (1 - A1**2)", "* (1 + A1**2)"),
    "a bias gradient is missing": ("db1 = dZ1.sum(axis=0)", "db1 = np.zeros(3, dtype=DTYPE)"),
    "the first sample is taken twice": ("db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum(axis=0) + dZ1[0]"),
    "the layers' gradients are swapped": ("[dW1, db1, dW2, db2]", "[dW2, db2, dW1, db1]"),
    "the slope is taken at the wrong place": ("(1 - A1**2)", "(1 - np.tanh(A1) ** 2)"),
}
"""Mistakes in the gradient of the regression module that every oracle of the gradient sees."""

SMALL_MISTAKE = ("db2 = dP.sum(axis=0)", "db2 = dP.sum(axis=0) * (1 + 1e-9)")
"""A relative error of 1e-9 in the gradient of the last bias."""

SINGLE_ENTRY = ("dW1 = dZ1.T @ X", "dW1 = dZ1.T @ X; dW1[1, 2] *= 1 + 1e-9")
"""A relative error of 1e-9 in a single entry."""

NOT_A_NUMBER = ("dW1 = dZ1.T @ X", "dW1 = dZ1.T @ X; dW1[2, 3] = np.nan")

WRONG_LOSS = ("((P - Y) ** 2).sum() / P.size", "((P - Y) ** 2).sum() / len(P) / 3")
"""A loss that the gradient does not belong to."""

SWAPPED_UNITS = (
    ("np.tanh(X @ p.W1.T + p.b1)", "np.tanh(X @ p.W1[::-1].T + p.b1)"),
    ("dW1 = dZ1.T @ X", "dW1 = (dZ1.T @ X)[::-1]"),
)
"""A network that uses the rows of W1 in another order; loss and gradient belong to each other."""

WRONG_LOSS_AND_GRADIENT = (
    ("((P - Y) ** 2).sum() / P.size", "((P - Y) ** 2).sum() / len(P)"),
    ("dP = 2 * (P - Y) / P.size", "dP = 2 * (P - Y) / len(P)"),
)
"""A loss averaged over samples instead of entries, with the gradient that belongs to it."""

OTHER_ACTIVATION = (("np.tanh(", "np.sin("), ("(1 - A1**2)", "np.cos(X @ p.W1.T + p.b1)"))
"""A network with another activation, loss and gradient being right for it."""
