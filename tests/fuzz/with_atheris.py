"""Coverage-guided fuzzing of everything that reads a text: `python -m tests.fuzz.with_atheris -max_total_time=60`.

Needs the extra `fuzz`; the oracle is that of the property tests, `tests.fuzzing`.
"""

from __future__ import annotations

import importlib
import sys


def main() -> None:
    """Give drawn texts to drawn readers until time is up or a finding is made."""
    import atheris

    with atheris.instrument_imports(include=["symmlp"]):
        fuzzing = importlib.import_module("tests.fuzzing")

    def look(content: bytes) -> None:
        provider = atheris.FuzzedDataProvider(content)
        reader = provider.PickValueInList(list(fuzzing.READERS))
        fuzzing.examine(reader, provider.ConsumeUnicode(4000))

    atheris.Setup(sys.argv, look)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
