"""Malicious and nonsensical texts at every door: nothing runs or hangs, refusals are one line."""

from __future__ import annotations

import ast
import io
import json
import time
import tokenize
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symmlp
from symmlp.catalog.parameters import arguments
from symmlp.cli import run
from tests.fuzzing import LONGEST, READERS, Finding, attacks, examine

HOSTILE = (
    "__import__('os').system('touch canary')",
    "__import__('pathlib').Path('canary').touch()",
    "open('canary','w').write('x')",
    'eval(\'open("canary","w")\')',
    "exec('import os')",
    "x.diff.__globals__['__builtins__']['__import__']('os').system('touch canary')",
    "().__class__.__base__.__subclasses__()",
    "x.__class__",
    "getattr(x, 'y')",
    "X.tofile('canary')",
    "np.load('x', allow_pickle=True)",
    "a\nimport os",
    "a\rimport os",
    'a"""\nimport os',
    "a\\",
    "x coding: utf-7",
    "x coding: unicode_escape",
    "\\u000aimport os",
    "{{7*7}}",
    "{% include 'x' %}",
    "x\x0b",
    "x\x0c",
    "x\u2028y",
    "x\x85y",
    "x\u202ey",
    "x\x00y",
    "\ud800",
    "\uff43lass",
    "\ufb01t",
    "\u2167",
    "\u0410",
    "__builtins__",
    "__name__",
    "None",
    "match",
    "self",
    "'; import os; '",
    "'); import os; ('",
    "#",
    "$(touch canary)",
    "`touch canary`",
    "; touch canary",
    "-",
    "--help",
    "../x",
    "con",
    "a" * 100_000,
    "(" * 100_000,
    "-" * 100_000 + "1",
    "**".join("x" * 3000),
    "+".join(["x"] * 50_000),
    "exp(" * 60 + "x" + ")" * 60,
    "1if x else 0",
    "0or x",
    "lambda:0",
    "yield",
    "[x]*10**9",
    "'a'*10**9",
    "9**9**9**9",
    "1e999",
    "nan",
    "True",
    "f'{x}'",
    "b'x'",
    "\x1b[31mred",
    "<script>alert(1)</script>",
    "\\input{x}",
    "%s%n",
    "x := 1",
    "1/0",
    "einsum('ij->' + 'k'*9999, X)",
    "X@" * 3000 + "X",
)

NET = symmlp.Network.parse("4 -> 3 relu | mse")
DERIVATION = symmlp.derive(NET)


def _network(**changes: Any) -> object:
    return symmlp.Network.model_validate({"inputs": 4, "layers": [{"units": 3}], "loss": "mse", **changes})


DOORS: dict[str, Callable[[str], object]] = {
    **{f"reader of {name}": reader for name, reader in READERS.items()},
    "activation": lambda text: _network(layers=[{"units": 3, "activation": text}]),
    "loss": lambda text: _network(loss=text),
    "network name": lambda text: _network(name=text),
    "layer name": lambda text: _network(layers=[{"units": 3, "name": text}]),
    "layer type": lambda text: _network(layers=[{"type": text}]),
    "key": lambda text: _network(**{text: 1}),
    "initializer": lambda text: _network(initializer=text),
    "reduction": lambda text: _network(reduction=text),
    "kinks": lambda text: _network(kinks=text),
    "parameter name": lambda text: _network(layers=[{"units": 3, "activation": "leaky_relu", "parameters": {text: 1}}]),
    "parameter text": lambda text: arguments(f"(alpha={text})", "activation", "parameters"),
    "notation": lambda text: symmlp.Notation.parse(f"activation={text}"),
    "role": symmlp.Notation.parse,
    "wrt": lambda text: DERIVATION.formatted("text", wrt=[text]),
    "elementwise wrt": lambda text: symmlp.elementwise("x*y", wrt=text),
    "elementwise parameter": lambda text: symmlp.elementwise("a*x", parameters={text: 1}),
    "listed": symmlp.listed,
    "check": lambda text: symmlp.check_formula(NET, "W1", text),
    "check wrt": lambda text: symmlp.check_formula(NET, text, "X"),
    "target": lambda text: symmlp.generate(NET, target=text),
    "style": lambda text: symmlp.generate(NET, style=text),
    "dtype": lambda text: symmlp.generate(NET, dtype=text),  # type: ignore[arg-type]
    "verified file": lambda text: symmlp.verify(f"{text}.py"),
    "spec file": lambda text: symmlp.Network.load(f"{text}.toml"),
    "samples file": lambda text: symmlp.read_samples(f"{text}.csv", NET),
    "picture": lambda text: symmlp.picture(NET, format=text),  # type: ignore[arg-type]
}
"""Everything of the Python interface that takes a text; the command line hands its texts to these."""


@pytest.mark.parametrize("door", DOORS)
def test_a_hostile_text_is_data_at_every_door(door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    attacks.clear()
    for text in HOSTILE:
        start = time.perf_counter()
        try:
            DOORS[door](text)
        except symmlp.SymmlpError as error:
            assert str(error).isascii(), (door, text[:40])
            assert str(error).isprintable(), (door, text[:40])
        assert time.perf_counter() - start < LONGEST, (door, text[:40])
    assert not attacks
    assert list(tmp_path.iterdir()) == []


OUTPUTS = [text for text in HOSTILE if len(text) < 200]


def test_a_hostile_file_name_is_refused_or_is_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    attacks.clear()
    for text in OUTPUTS:
        try:
            written = symmlp.write_text(f"{text}.txt", "content")
        except symmlp.SymmlpError as error:
            assert str(error).isprintable(), text
        else:
            assert [path.name for path in Path().iterdir()] == [f"{text}.txt"]
            written.unlink()
        assert list(Path().iterdir()) == [], text
        assert [path.name for path in tmp_path.iterdir()] == ["inner"], text
    assert not attacks


def test_a_hostile_name_in_a_table_of_samples_is_only_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    attacks.clear()
    names = [text for text in OUTPUTS if "\ud800" not in text and '"' not in text]
    for text in names:
        Path("d.csv").write_text(f'"{text}",b,c\n1,oops,"{text}"\n2,3,b\n', encoding="utf-8")
        assert run(["train", "2 -> 2 softmax | cross_entropy", "d.csv"]) == 2
        told = capsys.readouterr()
        assert told.err.count("\n") == 1, text
        assert told.err.strip().isprintable(), text
        assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]
    assert not attacks


MARK = "xq_zz_7"
NAMED = {
    "name": "marked_zz_7",
    "inputs": 4,
    "layers": [{"units": 5, "activation": f"x*sigmoid({MARK}*x)", "parameters": {MARK: 2}}, {"units": 3}],
    "loss": f"(p - y)**2 + {MARK}*abs(p - y)",
    "loss_parameters": {MARK: 1},
}


def told_outside_of_texts(source: str, *marks: str) -> list[str]:
    """Return the identifiers and comments of a module that hold one of the marks."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [
        token.string
        for token in tokens
        if token.type in (tokenize.NAME, tokenize.COMMENT) and any(mark in token.string for mark in marks)
    ]


@pytest.mark.parametrize("style", ["plain", "buffered"])
def test_names_that_are_accepted_are_neither_identifiers_nor_comments(style: str) -> None:
    source = symmlp.generate(symmlp.Network.model_validate(NAMED), style=style)
    ast.parse(source)
    assert MARK in source
    assert told_outside_of_texts(source, MARK, "marked_zz_7") == []


def test_a_name_that_became_an_identifier_or_a_comment_is_found() -> None:
    assert told_outside_of_texts(f"{MARK} = 1  # {MARK}\ns = '{MARK}'\n", MARK) == [MARK, f"# {MARK}"]


WORDS = (
    "4 -> 3 16 0 -1 1e3 | tanh relu softmax mse bce { } ( ) = , alpha leaky_relu dropout rate (rate=0.5) (alpha=2) "
    "x p y + * ** exp( ) [ ] [[layers]] units activation inputs loss \" ' : . # \\ \n \t true nan null "
    "{} [] é \x00 __import__"
).split(" ")
texts = st.one_of(
    st.text(max_size=50),
    st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=20).map("".join),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from([*WORDS, "4 -> 3 | mse"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["name", "inputs", "layers", "loss", "units", "activation", "parameters", "type", "kinks"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=15,
)


@given(st.sampled_from(list(READERS)), texts)
@settings(max_examples=300)
def test_any_text_is_read_or_refused_in_one_line(reader: str, text: str) -> None:
    examine(reader, text)


@given(values)
@settings(max_examples=200)
def test_any_json_is_read_or_refused_in_one_line(value: object) -> None:
    examine("JSON", json.dumps(value))


def test_the_oracle_of_the_fuzzers_finds_what_it_looks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(error: Exception) -> Callable[[str], object]:
        def read(_: str) -> object:
            raise error

        return read

    broken = {"another error": raising(KeyError("x")), "two lines": raising(symmlp.SymmlpError("a\nb"))}
    for name, reader in broken.items():
        monkeypatch.setitem(READERS, name, reader)
        with pytest.raises(Finding):
            examine(name, "x")
