"""The battery that every registered model of arrays passes."""

from __future__ import annotations

import numpy as np
import pytest

from replicator.study_model.artifact.registry import KINDS, MODULES

from .array_models import MODELS, SAMPLES, UNIQUE
from .states import numbers_in, reloaded, state_bytes

CASES = [pytest.param(kind, shape, id=f"{kind}, {shape}") for kind in MODELS for shape in SAMPLES]


def test_every_registered_model_of_arrays_is_in_the_battery() -> None:
    """A class under replicator.models that is registered and can be fitted has an entry in MODELS."""
    named = {f"replicator.{name}" for name in MODULES if name.startswith("models.")}
    fitted = {kind for kind, cls in KINDS.items() if cls.__module__ in named and hasattr(cls, "fit")}
    assert fitted == set(MODELS)
    assert all(KINDS[kind].__module__ in named for kind in MODELS)


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_conformance(kind: str, shape: str) -> None:
    """Fit twice = fit once, on data left as they were; state and draws survive the file; same seed = same draw."""
    entry, data = MODELS[kind], SAMPLES[shape]
    before = [part.copy() for part in (data.x, data.code, data.given, data.subject)]
    model = entry.fit(data)
    assert isinstance(model, KINDS[kind])
    assert state_bytes(model) == state_bytes(entry.fit(data))
    for now, then in zip((data.x, data.code, data.given, data.subject), before, strict=True):
        np.testing.assert_array_equal(now, then)
    loaded = reloaded(model)
    assert state_bytes(loaded) == state_bytes(model)
    once, twice, again = (entry.draw(m, data, np.random.default_rng(8)) for m in (model, model, loaded))
    for a, b, c in zip(once, twice, again, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    learned = data.n_subjects >= 5 and shape != "all missing"
    assert all(np.isfinite(part).all() for part in once) or not learned


@pytest.mark.parametrize("kind", list(MODELS))
def test_what_one_subject_alone_has_is_not_in_the_state(kind: str) -> None:
    """Neither a number nor a category (77) of a single subject is kept."""
    model = MODELS[kind].fit(SAMPLES["unique"])
    numbers = numbers_in(model)
    assert not np.isclose(numbers, UNIQUE, rtol=1e-9).any()
    assert not (numbers == 77).any()
