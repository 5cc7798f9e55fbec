"""Programs with one operation a line: shared terms, order, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symmlp.deriving import derive
from symmlp.errors import ProgramError
from symmlp.program import passes
from symmlp.program.instructions import Sequenced, drop_dead, sequence
from symmlp.program.lowering import lower
from symmlp.spec import Network


def sequenced(text: str) -> Sequenced:
    return sequence(passes.drop_unused(lower(derive(Network.parse(text)))))


CLASSIFIER = sequenced("4 -> 6 tanh -> 3 softmax | cross_entropy")


def test_the_exponentials_of_softmax_are_computed_once() -> None:
    assert [each.operation for each in CLASSIFIER.instructions].count("exp") == 2, "one of softmax, one of tanh's slope"


def test_no_two_instructions_do_the_same() -> None:
    done = [(each.operation, each.operands) for each in CLASSIFIER.instructions]
    assert len(done) == len(set(done))


def test_instructions_carry_the_ids_of_their_equations() -> None:
    statements = CLASSIFIER.program.body
    ids = [each.id for each in CLASSIFIER.instructions]
    assert list(dict.fromkeys(ids)) == [statement.id for statement in statements]


def test_an_activation_that_is_its_argument_needs_no_instruction() -> None:
    plain = sequenced("4 -> 6 -> 3 | mse")
    assert {"A1", "P"} <= set(plain.places)
    assert "F2" not in [each.id for each in plain.instructions]


def test_what_nothing_reads_is_dropped() -> None:
    first = CLASSIFIER.forward[0]
    unread = replace(first, target=replace(first.target, name="unread"))
    longer = replace(CLASSIFIER, forward=(unread, *CLASSIFIER.forward))
    assert "unread" not in [each.target.name for each in drop_dead(longer).instructions]
    assert drop_dead(longer) == drop_dead(CLASSIFIER)


def test_gradients_of_parameters_keep_their_names() -> None:
    made = {each.target.name for each in CLASSIFIER.instructions}
    assert set(CLASSIFIER.program.gradients) <= made


def test_an_order_that_reads_too_early_is_refused() -> None:
    swapped = replace(CLASSIFIER, forward=(CLASSIFIER.forward[1], CLASSIFIER.forward[0], *CLASSIFIER.forward[2:]))
    with pytest.raises(ProgramError, match="^Z1 reads Z1_1t, which has no value yet: equation F1$"):
        swapped.check()


def test_a_second_assignment_is_refused() -> None:
    doubled = replace(CLASSIFIER, loss=(CLASSIFIER.forward[0], *CLASSIFIER.loss))
    with pytest.raises(ProgramError, match="^Z1_1t is assigned twice: equation F1$"):
        doubled.check()
