"""The end of a network's graph: the prediction, and the ops of the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symmlp.catalog.activations import TABLE
from symmlp.catalog.class_weights import OF_CLASS, TOTAL, of_class_op, total_op, weighted_op
from symmlp.catalog.layers import ENTRYWISE_LOSS, Op, target_op
from symmlp.catalog.loss import Loss, Piece, y
from symmlp.catalog.penalties import penalized, penalty_op
from symmlp.catalog.sample_weights import TOTAL as SAMPLE_TOTAL
from symmlp.catalog.sample_weights import WEIGHTED_LOSS, is_weighted, omega, samples_of
from symmlp.catalog.sample_weights import total_op as sample_total_op
from symmlp.graph.builder import Builder, activation_op, function_name
from symmlp.graph.losses import ops_before, row_loss_ops
from symmlp.graph.records import GraphNode
from symmlp.notation import Y, batch, column, n, other
from symmlp.spec import Network


def add_end(builder: Builder) -> None:
    """Add the prediction, if the last layer has not given it, and the loss."""
    last = builder.network.layers[-1].definition
    if last is None or last.is_projection:
        builder.apply_activation(TABLE["identity"], builder.current)
    prediction, targets = builder.current, builder.array("Y", "", builder.width, "targets")
    definition = builder.network.loss_definition
    _take_sample_weights(builder)
    if definition.totals:
        _add_row_loss(builder, definition, prediction, targets)
    else:
        _add_entry_loss(builder, definition, prediction, targets)


def _add_entry_loss(builder: Builder, definition: Loss, prediction: str, targets: str) -> None:
    """Add what the loss makes of prediction and targets first, if it does, and the loss of each entry."""
    if definition.inner:
        activation = TABLE[definition.inner]
        inner = builder.array("Q", "", builder.width, f"{definition.inner} of the prediction")
        name = function_name(activation, builder.functions)
        builder.apply(activation_op(activation), {"Z": prediction}, inner, name)
        prediction = inner
    if builder.network.weighs_targets:
        targets = _weigh(builder, definition, targets)
    elif definition.target != y:
        moved = builder.array("T", "", builder.width, "targets of the loss")
        builder.apply(target_op(definition.target.xreplace({y: Y[batch, column]})), {}, moved, None, {"Y": targets})
        targets = moved
    own = {} if builder.network.weighs_targets else _weights_given(builder)
    op = WEIGHTED_LOSS if "omega" in own else ENTRYWISE_LOSS
    _add_loss(builder, op, {"P": prediction}, builder.network.loss, {"Y": targets, **own})


def _take_sample_weights(builder: Builder) -> None:
    """Add the samples' weights, and their sum where the loss is divided by that."""
    weights, columns = builder.network.sample_weights, builder.layout == "sample"
    if not is_weighted(weights, columns=columns):
        return
    builder.shapes["omega"] = () if columns else ("N", 1)
    builder.roles["omega"] = "weight of each sample"
    if weights == "weights" and _divides_by_samples(builder.network):
        builder.shapes[SAMPLE_TOTAL.name], builder.roles[SAMPLE_TOTAL.name] = (), "sum of the samples' weights"
        builder.apply(sample_total_op(), {}, SAMPLE_TOTAL.name, None, {"omega": "omega"})


def _divides_by_samples(network: Network) -> bool:
    """Return whether loss or penalty is divided by the number of samples, or by what takes its place."""
    penalty = network.penalty_definition
    is_mean = network.reduction == "batch_mean" or (network.reduction == "mean" and not network.weighs_targets)
    return is_mean or (penalty is not None and penalty.per_sample)


def _weights_given(builder: Builder) -> dict[str, str]:
    """Return the samples' weights and their sum as what a node is given, if there are any."""
    return {name: name for name in ("omega", SAMPLE_TOTAL.name) if name in builder.shapes}


def _weigh(builder: Builder, definition: Loss, targets: str) -> str:
    """Add the weight of all targets, and what stands for them: each times its class's weight, over that."""
    network, columns = builder.network, builder.layout == "sample"
    weights, own = network.class_weights, _weights_given(builder)
    given = {"Y": targets}
    if weights:
        _take_class_weights(builder)
        given |= {"c": "c"}
    by_weight = network.sample_weights == "weights"
    divisor: sp.Expr = sp.Integer(1)
    if network.reduction == "mean":
        builder.shapes["S"], builder.roles["S"] = (), "weight of all targets"
        least = None if network.ignore_index is None else min(weights, default=1.0)
        in_total = omega[batch] if "omega" in own and by_weight else sp.Integer(1)
        op = total_op(least, weighted=bool(weights), columns=columns, of_sample=in_total)
        builder.apply(op, {}, "S", None, {name: {**given, **own}[name] for name in op.given})
        divisor, given = TOTAL, {**given, "S": "S"}
    elif network.reduction == "batch_mean":
        divisor = samples_of(network.sample_weights, columns=columns)
    written = definition.target.xreplace({y: Y[batch, column]})
    if network.ignore_index is not None:
        # What smoothing gives to every class, the row of an ignored label has not.
        written += definition.target.xreplace({y: sp.Integer(0)}) * (sp.Sum(Y[batch, other], (other, 1, n)) - 1)
    moved = builder.array("T", "", builder.width, "weighted targets")
    of_sample = omega[batch] if "omega" in own else sp.Integer(1)
    op = weighted_op(written * of_sample, weighted=bool(weights), divisor=divisor)
    builder.apply(op, {}, moved, None, {name: {**given, **own}[name] for name in op.given})
    return moved


def _take_class_weights(builder: Builder) -> None:
    weights = builder.network.class_weights
    builder.shapes["c"] = (len(weights), 1) if builder.layout == "sample" else (len(weights),)
    builder.roles["c"], builder.constants["c"] = "weight of each class, given", weights


def _add_row_loss(builder: Builder, definition: Loss, prediction: str, targets: str) -> None:
    """Add one number a sample for each total, and the loss that is made of them."""
    made = {"P": prediction}
    network, columns, weights = builder.network, builder.layout == "sample", _weights_given(builder)
    by_sample = omega[batch] if "omega" in weights else sp.Integer(1)
    if network.class_weights:
        _take_class_weights(builder)
        weights["S"] = builder.statistic("S", "weight of each sample's class", "")
        builder.apply(of_class_op(), {}, weights["S"], None, {"Y": targets, "c": "c"})
        by_sample *= OF_CLASS[batch]
    samples = samples_of(network.sample_weights, columns=columns)
    *totals, (op, piece) = row_loss_ops(definition, network.reduction, samples, by_sample)
    for total, (own, term) in zip(definition.totals, totals, strict=True):
        held = _hold(builder, ops_before(definition, total), {"P": prediction, "Y": targets})
        role = total.role if total.kind == "each" else f"{total.role}, {total.kind} of a row"
        output = builder.statistic(total.letter, role, "")
        given = {each: held[each] for each in own.given}
        builder.apply(own, {each: made[each] for each in own.operands}, output, _name(term), given)
        made[total.letter] = output
    _add_loss(
        builder,
        op,
        {each: made[each] for each in op.operands},
        _name(piece),
        {each: weights[each] for each in op.given},
    )


def _hold(builder: Builder, ops: Sequence[Op], arrays: Mapping[str, str]) -> dict[str, str]:
    """Add ops that nothing is differentiated through, and return what their arrays, and those before, are called."""
    roles = {"H": "entries that are compared", "M": "largest of a row", "K": "1 where it is reached, else 0"}
    made = dict(arrays)
    for op in ops:
        role = roles.get(op.output, "entries that reach it")
        is_array = len(op.axes) > 1
        output = (
            builder.array(op.output, "", builder.width, role) if is_array else builder.statistic(op.output, role, "")
        )
        builder.apply(op, {}, output, None, {each: made[each] for each in op.given})
        made[op.output] = output
    return made


def _add_loss(
    builder: Builder, op: Op, operands: Mapping[str, str], function: str | None, given: Mapping[str, str]
) -> None:
    """Add the op that gives the loss."""
    penalties = {f"R_{place}": node.output for place, node in enumerate(_penalties(builder), start=1)}
    builder.shapes["L"], builder.roles["L"] = (), "loss"
    own = penalized(op, tuple(penalties)) if penalties else op
    builder.apply(own, {**operands, **penalties}, "L", function, given)


def _penalties(builder: Builder) -> tuple[GraphNode, ...]:
    """Add what is added to the loss for the weights of each dense layer, and return the nodes."""
    definition, nodes = builder.network.penalty_definition, []
    if definition is None:
        return ()
    samples = samples_of(builder.network.sample_weights, columns=builder.layout == "sample")
    op, function = penalty_op(definition, samples), _name(definition.piece)
    given = {each: each for each in op.given}
    for node in list(builder.nodes):
        if "W" in node.operands:
            weights = node.operands["W"]
            output = f"R{weights.removeprefix('W')}"
            builder.shapes[output], builder.roles[output] = (), f"penalty of {weights}"
            nodes.append(GraphNode(op, {"W": weights}, output, node.layer, function, given))
    builder.nodes.extend(nodes)
    return tuple(nodes)


def _name(piece: Piece | None) -> str | None:
    return None if piece is None else piece.name
