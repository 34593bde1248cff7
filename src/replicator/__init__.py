"""Learns how a clinical study behaves from its subjects' data and makes new subjects who behave the same way.

>>> import replicator as rp                                     # doctest: +SKIP
>>> study = rp.read_study("sample_data/rvt117-204/csv")            # doctest: +SKIP
>>> model = rp.fit(study)                                       # doctest: +SKIP
>>> synthetic = model.sample(1000, seed=7)                      # doctest: +SKIP
>>> rp.validate(synthetic, against=model)                       # doctest: +SKIP

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

from replicator._version import __version__

TYPE_CHECKING = False  # type checkers take it for true; importing typing would double what this package costs

if TYPE_CHECKING:
    from typing import Any

    from replicator import pipeline
    from replicator.config import FitConfig
    from replicator.errors import (
        ArtifactError,
        ConfigError,
        FitError,
        ReadError,
        ReplicatorError,
        SampleError,
        StudyError,
        WriteError,
    )
    from replicator.evaluated import evaluate
    from replicator.fitted import FittedStudy, load_model
    from replicator.pipeline import fit, validate
    from replicator.profile.compare import ProfileComparison, compare_profiles
    from replicator.profile.profile import profile_study
    from replicator.profile.study_profile import StudyProfile
    from replicator.reports.evaluation_report import EvaluationReport
    from replicator.reports.model import ModelDescription
    from replicator.rules.certificate import Certificate
    from replicator.rules.report import ValidationReport
    from replicator.sampling.written import Written
    from replicator.study_model.cache.results import Cache
    from replicator.tables.dataset import Dataset, Numbers, Study, Text, Variable
    from replicator.tables.readers import read_study
    from replicator.tables.writers import write_study

__all__ = [
    "ArtifactError",
    "Cache",
    "Certificate",
    "ConfigError",
    "Dataset",
    "EvaluationReport",
    "FitConfig",
    "FitError",
    "FittedStudy",
    "ModelDescription",
    "Numbers",
    "ProfileComparison",
    "ReadError",
    "ReplicatorError",
    "SampleError",
    "Study",
    "StudyError",
    "StudyProfile",
    "Text",
    "ValidationReport",
    "Variable",
    "WriteError",
    "Written",
    "__version__",
    "compare_profiles",
    "evaluate",
    "fit",
    "load_model",
    "pipeline",
    "profile_study",
    "read_study",
    "validate",
    "write_study",
]

_HOME = {
    "errors": (
        "ArtifactError",
        "ConfigError",
        "FitError",
        "ReadError",
        "ReplicatorError",
        "SampleError",
        "StudyError",
        "WriteError",
    ),
    "config": ("FitConfig",),
    "evaluated": ("evaluate",),
    "fitted": ("FittedStudy", "load_model"),
    "pipeline": ("fit", "validate"),
    "profile.compare": ("ProfileComparison", "compare_profiles"),
    "profile.profile": ("profile_study",),
    "profile.study_profile": ("StudyProfile",),
    "reports.evaluation_report": ("EvaluationReport",),
    "reports.model": ("ModelDescription",),
    "rules.certificate": ("Certificate",),
    "rules.report": ("ValidationReport",),
    "sampling.written": ("Written",),
    "study_model.cache.results": ("Cache",),
    "tables.dataset": ("Dataset", "Numbers", "Study", "Text", "Variable"),
    "tables.readers": ("read_study",),
    "tables.writers": ("write_study",),
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use (PEP 562)."""
    if name == "pipeline":
        return import_module("replicator.pipeline")
    home = next((module for module, names in _HOME.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'replicator' has no attribute {name!r}")
    value = getattr(import_module(f"replicator.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what is public."""
    return sorted(__all__)
