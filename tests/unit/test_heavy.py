"""Libraries that are slow to load are loaded where something needs them: sampling a model does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from replicator.heavy import pandas

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"


def test_what_is_asked_for_is_the_library_itself() -> None:
    """The stand-in gives the library's own names."""
    assert pandas.Series([1, 1]).nunique() == 1
    assert "pandas" in sys.modules


def test_sampling_loads_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    """Neither pandas nor SciPy's statistics, which take longer to load than a small sample to draw."""
    code = (
        "import sys; from replicator.cli import main;"
        f"code = main(['sample', {str(MODEL)!r}, '-n', '20', '-o', {str(tmp_path / 'out')!r}, '--quiet']);"
        "heavy = {'pandas', 'scipy.stats', 'sklearn'} & set(sys.modules); sys.exit(str(heavy) if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
