"""`symmlp cost`: what a training step costs, as formulas in N and as numbers."""

from __future__ import annotations

import json
from typing import Any

from symmlp.errors import UnsupportedError, shown
from symmlp.generation import planned
from symmlp.program.cost import ITEMSIZE, Cost, cost_of
from symmlp.render import Dtype
from symmlp.showing import CodeText
from symmlp.spec import Network


def cost(network: Network, *, style: str = "plain", dtype: Dtype = "float64") -> Cost:
    """Return what a step of a generated module costs: operations, bytes moved, bytes of memory.

    Raises:
        SymmlpError: the network cannot be derived, or style or dtype is unknown.
    """
    if dtype not in ITEMSIZE:
        raise UnsupportedError(f"dtype: expected float64 or float32, got {shown(dtype)}")
    if style not in ("plain", "buffered"):
        raise UnsupportedError(f"style: expected plain or buffered, got {shown(style)}")
    blocked = style == "buffered"
    plan = planned(network, dtype if blocked else None)
    return cost_of(plan, blocked=blocked, dtype=dtype, optimizer=network.optimizer)


def cost_text(network: Network, N: int, *, style: str = "plain", dtype: Dtype = "float64") -> str:
    """Return the cost of a step with N samples as a table."""
    found = cost(network, style=style, dtype=dtype)
    rows = [("", "formula in N", f"N = {N:,}", "share")]
    for title, amounts in (("operations", found.operations), ("bytes moved", found.moved)):
        whole = sum(amount.at(N) for amount in amounts.values())
        rows.append((title, "", f"{whole:,}", ""))
        rows += [
            (f"  {name}", amount.text, f"{amount.at(N):,}", f"{amount.at(N) / whole:.1%}")
            for name, amount in amounts.items()
        ]
    rows.append(("memory, bytes", "", f"{_memory(found, N):,}", ""))
    rows.append(("  workspace", found.workspace.text, f"{found.workspace.at(N):,}", ""))
    rows.append(("  parameters, gradient", f"{found.parameters:,}", f"{found.parameters:,}", ""))
    rows.append((f"  state of {found.optimizer}", f"{found.optimizer_state:,}", f"{found.optimizer_state:,}", ""))
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    lines = [_row(row, widths) for row in rows]
    title = f"A step of {network.short(in_full=12)}, style {style}, {dtype}, with {found.optimizer}"
    return CodeText("\n".join([title, "", *lines]) + "\n")


def _row(row: tuple[str, str, str, str], widths: list[int]) -> str:
    name, formula, number, share = row
    text = f"{name:<{widths[0]}}  {formula:>{widths[1]}}  {number:>{widths[2]}}  {share:>{widths[3]}}"
    return text.rstrip()


def _memory(found: Cost, N: int) -> int:
    return found.workspace.at(N) + found.parameters + found.optimizer_state


def cost_json(network: Network, N: int, *, style: str = "plain", dtype: Dtype = "float64") -> str:
    """Return the cost of a step as JSON: formulas as {per_sample, fixed}, numbers for N samples."""
    found = cost(network, style=style, dtype=dtype)

    def amounts(values: Any) -> dict[str, Any]:
        return {
            name: {"per_sample": each.per_sample, "fixed": each.fixed, "at_N": each.at(N)}
            for name, each in values.items()
        }

    content = {
        "N": N,
        "style": style,
        "dtype": dtype,
        "operations": amounts(found.operations),
        "bytes_moved": amounts(found.moved),
        "bytes_of_memory": amounts({"workspace": found.workspace})
        | {"parameters_and_gradient": found.parameters, "optimizer_state": found.optimizer_state},
        "matmul_share_of_operations": found.floor_share(N),
    }
    return CodeText(json.dumps(content, indent=2) + "\n")
