"""Prints docs/cli.md: the help of every command, as the commands themselves give it."""

from __future__ import annotations

import os
import subprocess
import sys

COMMANDS = ("", "fit", "sample", "profile", "validate", "evaluate", "inspect", "cache", "cache list", "cache prune", "cache clear")
HEAD = """# The command line

Made by `make docs` from the commands' own `--help`; a test holds the two together.

Results go to standard output; progress and errors go to standard error. Exit codes: 0 fine, 1 findings, 2 cannot run (one sentence
says why, and nothing is left half written), 130 interrupted (SIGINT or SIGTERM).
"""


def page() -> str:
    """Return the page as Markdown."""
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    parts = [HEAD]
    for command in COMMANDS:
        call = [sys.executable, "-m", "replicator", *command.split(), "--help"]
        shown = subprocess.run(call, capture_output=True, text=True, check=True, env=environment).stdout
        shown = shown.replace("python -m replicator", "replicator")
        parts.append(f"\n## {' '.join(['replicator', *command.split()])}\n\n```text\n{shown.rstrip()}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
