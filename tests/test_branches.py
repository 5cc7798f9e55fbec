"""A branch of `where` that has no real value wherever it is taken is refused, in one line."""

from __future__ import annotations

import pytest

import symmlp

EMPTY = ("where(x>0,log(-x),x)", "where(x<0,sqrt(x),x)", "where(x>=1,x,where(x>0,log(-x),0))", "where(y>2,log(-y),x)")
REAL = (
    "where(x>0,log(x),x)",
    "where(x>0,1/x,0)",
    "where(x>0.5,log(x-1),x)",
    "where(x<=0,exp(x),x)",
    "where(x>1,x/y,y)",
    "where(x>0,log(x-50),x)",
)
MESSAGE = r"^expression: a branch of where has no real value .* as at [xy] = "


@pytest.mark.parametrize("text", EMPTY)
def test_a_branch_without_a_real_value_is_refused(text: str) -> None:
    with pytest.raises(symmlp.SymmlpError, match=MESSAGE):
        symmlp.elementwise(text, wrt="x")


@pytest.mark.parametrize("text", REAL)
def test_a_branch_that_is_real_somewhere_is_taken(text: str) -> None:
    assert symmlp.elementwise(text, wrt="x").wrt == "x"
