"""Prints docs/kinds.md: every kind of object that a model file can hold, as the registry lists them."""

from __future__ import annotations

import inspect
import sys
from dataclasses import MISSING, fields

from replicator.study_model.artifact.registry import KINDS

HEAD = """# Kinds in a model file

Made by `make docs` from the registry; a test holds the two together. `?` marks fields with a default, which a file may leave out.
The format of the file has [a page of its own](artifact-format.md).

| kind | what it is | fields |
|---|---|---|
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = []
    for kind, cls in sorted(KINDS.items()):
        about = (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        if hasattr(cls, "model_fields"):
            held = [name + ("" if field.is_required() else "?") for name, field in cls.model_fields.items()]
        else:
            held = [
                field.name + ("" if field.default is MISSING and field.default_factory is MISSING else "?") for field in fields(cls)
            ]
        rows.append(f"| `{kind}` | {about} | {', '.join(f'`{name}`' for name in held)} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
