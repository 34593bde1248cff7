"""The documents say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import replicator as rp

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/*.md"), *ROOT.glob("sample_data/*.md")])


def test_the_page_of_the_command_line_is_current() -> None:
    """docs/cli.md is what `make docs` writes now."""
    shown = subprocess.run([sys.executable, str(ROOT / "docs/write_cli.py")], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs/cli.md").read_text(encoding="utf-8") == shown, "docs/cli.md is stale; run 'make docs'"


METHOD = (ROOT / "docs/method.md").read_text(encoding="utf-8")


def test_every_method_says_what_it_assumes_or_cannot() -> None:
    sections = [part for part in METHOD.split("\n## ")[1:] if not part.startswith("Sources")]
    assert len(sections) > 15
    assert not [part.partition("\n")[0] for part in sections if "*Assumes*" not in part and "*Cannot*" not in part]


def test_every_source_that_the_method_cites_is_listed() -> None:
    text, _, sources = METHOD.partition("## Sources")
    cited = re.findall(r"([A-Z][A-Za-zé]*[a-zé])(?:,? (?:and )?[A-Z][A-Za-zé]*[a-zé])*,? (1[89]\d\d|20\d\d)", text)
    listed = {(line.split(",")[0].removeprefix("- "), *re.findall(r"\((\d{4})\)", line)[:1]) for line in sources.splitlines()}
    assert len(set(cited)) >= 10
    assert sorted(set(cited) - listed) == []


def test_the_page_of_kinds_is_current() -> None:
    """docs/kinds.md is what `make docs` writes now."""
    shown = subprocess.run([sys.executable, str(ROOT / "docs/write_kinds.py")], capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs/kinds.md").read_text(encoding="utf-8") == shown, "docs/kinds.md is stale; run 'make docs'"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file in a page names a file that is there."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not link.startswith(("http:", "https:", "mailto:")) and not (page.parent / link).exists()]
    assert missing == []


def test_the_changelog_names_this_version() -> None:
    """The newest entry of the changelog is the package's version."""
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == rp.__version__


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python example of the README runs as it stands, from the root of the repository, on a copy of what it names."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)


def test_the_readme_names_commands_that_exist() -> None:
    """Every `replicator …` line of the README names a command and options that the help knows."""
    shown = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    calls = [
        call for block in re.findall(r"```(?:sh|text)\n(.*?)```", text, re.DOTALL) for call in re.findall(r"replicator (.*)", block)
    ]
    assert calls
    for call in calls:
        verb = " ".join(re.findall(r"^[a-z]+(?: (?:list|prune|clear)\b)?", call))
        section = shown.split(f"## replicator {verb}\n", 1)
        assert len(section) == 2, call
        for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", call.split("#")[0]):
            assert re.search(rf"(?<![\w-]){option}\b", section[1].split("\n## ")[0]), f"{option} in {call!r}"
