"""Fingerprints of data: what a result is computed from, in 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicator.study_model.spine import PartSource
from replicator.tables.dataset import Column, Dataset, Study, Text, Variable


def _canonical(codes: NDArray[np.int32], levels: NDArray[np.object_]) -> tuple[NDArray[np.int32], list[str]]:
    """Return codes into sorted, used levels, so that equal columns are equal however they were read."""
    used = np.zeros(len(levels) + 1, bool)
    used[codes] = True
    kept = np.flatnonzero(used[:-1])
    texts = levels[kept].astype(str) if len(kept) else np.empty(0, str)
    order = np.argsort(texts, kind="stable")
    place = np.full(len(levels) + 1, -1, np.int32)
    place[kept[order]] = np.arange(len(kept), dtype=np.int32)
    return place[codes], [str(text) for text in texts[order].tolist()]


def _feed(digest: Any, column: Column) -> None:
    if isinstance(column, Text):
        codes, levels = _canonical(column.codes, column.levels)
        digest.update(json.dumps(levels).encode())
        digest.update(codes.astype("<i4").tobytes())
    else:
        values = np.where(np.isnan(column.values), np.nan, column.values + 0.0)  # one NaN, and no negative zero
        digest.update(values.astype("<f8").tobytes())


def _described(variable: Variable) -> list[object]:
    return [getattr(variable, field.name) for field in fields(variable)]


def dataset_fingerprint(dataset: Dataset) -> str:
    """Return the sha256 of a dataset: its name, label, variables in order with their metadata, and all cells in row order.

    Levels in another order, unused levels, and other bit patterns of NaN make no difference.
    """
    header = [dataset.name, dataset.label, dataset.n_rows, [_described(variable) for variable in dataset.variables]]
    digest = hashlib.sha256(json.dumps(header).encode())
    for variable in dataset.variables:
        digest.update(b"\x1e")
        _feed(digest, dataset[variable.name])
    return digest.hexdigest()


def part_fingerprint(source: PartSource) -> str:
    """Return the fingerprint of all that a part is fitted on."""
    spine, visits = source.spine, source.spine.visits
    facts = [dataset_fingerprint(source.dataset), repr(source.structure), spine.n, spine.arms]
    digest = hashlib.sha256(json.dumps([*facts, sorted(spine.marks), sorted(spine.covariates)]).encode())
    for one in (source.subject, spine.arm, visits.subject, *(spine.covariates[name] for name in sorted(spine.covariates))):
        digest.update(one.tobytes())
    for day in (spine.anchor, visits.number, visits.day, visits.end, *(spine.marks[name] for name in sorted(spine.marks))):
        digest.update(day.tobytes())
    digest.update(b"" if spine.reached is None else spine.reached.tobytes())
    digest.update(b"" if spine.born is None else spine.born.tobytes())
    for name, told in sorted(spine.told.items()):
        digest.update(json.dumps([name, list(told.columns), told.states]).encode() + told.subject.tobytes() + told.day.tobytes())
        for column in told.columns.values():
            _feed(digest, column)
        for variable, day in told.dates.items():
            digest.update(variable.encode() + day.tobytes())
    return digest.hexdigest()


def study_fingerprint(study: Study) -> str:
    """Return the sha256 of a study: its datasets, whatever the order and the files that they came from, and its codelists."""
    parts = {name: dataset_fingerprint(dataset) for name, dataset in study.datasets.items()}
    return combined_fingerprint(parts, study)


def combined_fingerprint(datasets: dict[str, str], study: Study) -> str:
    """Return the fingerprint of a study whose datasets' fingerprints are known, by name."""
    codelists = {name: [[term.value, term.decode] for term in terms] for name, terms in study.codelists.items()}
    content = json.dumps([sorted(datasets.items()), sorted(codelists.items())])
    return hashlib.sha256(content.encode()).hexdigest()
