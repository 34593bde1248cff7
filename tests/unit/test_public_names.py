"""The face of the package: what is promised is there, documented, and loaded only when used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import replicator as rp

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", rp.__all__)
def test_every_public_name_loads(name: str) -> None:
    """What stands in __all__ can be had."""
    assert getattr(rp, name) is not None


def test_unknown_names_are_attribute_errors() -> None:
    """The lazy face does not hide a misspelling."""
    with pytest.raises(AttributeError, match="read_stduy"):
        rp.read_stduy  # noqa: B018


def test_typed_lazy_and_public_names_are_the_same() -> None:
    """The names for type checkers, the lazy ones and __all__ agree, and come from the same modules."""
    tree = ast.parse((ROOT / "src/replicator/__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.name: (node.module or "").removeprefix("replicator").removeprefix(".")
        for node in block.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("replicator")
        for alias in node.names
    }
    lazy = {name: module for module, names in rp._HOME.items() for name in names}
    assert typed == {**lazy, "pipeline": ""}
    assert set(rp.__all__) == {*typed, "__version__"}
    assert set(dir(rp)) == set(rp.__all__)


def test_public_names_are_documented() -> None:
    """docs/python.md has one row a public name, and no others."""
    rows = re.findall(r"^\| `(\w+)", (ROOT / "docs/python.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(rp.__all__)


def test_import_is_light() -> None:
    """Importing the package loads no third-party library."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); import replicator;"
        "print({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'__main__'})"
    )
    shown = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert ast.literal_eval(shown.stdout) == {"replicator"}
