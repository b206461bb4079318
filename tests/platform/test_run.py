"""The second try: only for a few tests of a part, and only when they then pass."""

from pathlib import Path

import pytest

from tests.platform import run

UNSTEADY = """
from pathlib import Path

def test_it():
    before = Path(__file__).with_suffix(".tried")
    tried, _ = before.exists(), before.touch()
    assert tried
"""
BROKEN = "def test_one(): assert False\n"
MANY = "import pytest\n@pytest.mark.parametrize('at', range(3))\n" + UNSTEADY.replace("test_it()", "test_it(at)")


@pytest.mark.parametrize(
    ("part", "tests", "outcome"),
    [
        ("small form, browser", UNSTEADY, "passed at the second try"),
        ("small form, browser", BROKEN, "FAILED"),
        ("small form, browser", MANY.replace(".tried", ".{at}").replace('".{at}"', 'f".{at}"'), "FAILED"),
        ("small form", UNSTEADY, "passed at the second try"),
        ("small form", "def test_one(): pass\n", "passed"),
    ],
)
def test_who_gets_a_second_try(
    part: str, tests: str, outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("test_part.py").write_text(tests)
    monkeypatch.setitem(run.PARTS, part, ("small", [str(tmp_path)]))
    assert run.run(part, {"DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, []) == outcome
