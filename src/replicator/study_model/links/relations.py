"""Links between rows (RELREC): which rows of two datasets belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from replicator.config import FitConfig
from replicator.profile.structure import Kind, StudyStructure
from replicator.study_model.links.drawn import DrawnEnd, relation_dataset, sample_link
from replicator.study_model.links.fitted import fit_relation
from replicator.study_model.links.link import Link, relation_variables
from replicator.study_model.source import Source
from replicator.tables.dataset import Dataset, Text


@dataclass(frozen=True, eq=False)
class LinksModel:
    """All links of a study."""

    kind: ClassVar[str] = "links model"

    links: tuple[Link, ...]

    @classmethod
    def fit(cls, source: Source, structure: StudyStructure, config: FitConfig) -> tuple[LinksModel, tuple[str, ...]]:
        """Learn the relations between rows; those that fewer than k subjects have are named and left out."""
        links: list[Link] = []
        notes: list[str] = []
        variable = structure.subject_variable
        for name, found in structure.datasets.items():
            if found.kind is not Kind.LINKS or name not in source.datasets:
                continue
            dataset = source.datasets[name]
            if not {*relation_variables(variable)} <= set(dataset.names):
                continue
            made, lost = fit_relation(name, dataset, source, variable, config.k)
            links += made
            kept = {other: text for link in made for other, text in link.constants.items()}
            notes += [
                f"{name}.{other}: no text is shared by {config.k} subjects, so none is kept; lower k to keep one."
                for other, text in kept.items()
                if not text and not dataset[other].missing.all()
            ]
            if lost:
                notes.append(
                    f"{name}: rows of relations that fewer than {config.k} subjects share or that join no two datasets are not "
                    f"learned, {lost:,} of {dataset.n_rows:,}; lower k to keep more."
                )
        return cls(tuple(links)), tuple(notes)

    def sample(
        self,
        datasets: Mapping[str, Dataset],
        subject: Mapping[str, NDArray[np.int32]],
        variable: str,
        ids: Text,
        rng: np.random.Generator,
    ) -> tuple[dict[str, Dataset], dict[str, Dataset]]:
        """Draw the relation datasets for sampled datasets whose --SEQ and record ids are final.

        Parameters
        ----------
        datasets : mapping of str to Dataset
            Sampled datasets.
        subject : mapping of str to (n_rows,) int32
            Position of each row's subject.
        variable : str
            The subject variable, for example USUBJID.
        ids : Text
            Identifier of each subject.

        Returns
        -------
        relations : dict of str to Dataset
        moved : dict of str to Dataset
            Those of the sampled datasets some of whose dates are now those of the rows that they are linked with.
        """
        pieces: dict[str, list[DrawnEnd]] = {}
        moved: dict[str, Dataset] = {}
        for number, link in enumerate(self.links):
            ends, changed = sample_link(link, number, {**datasets, **moved}, subject, variable, ids, rng)
            pieces.setdefault(link.relation, []).extend(ends)
            moved |= changed
        return {name: relation_dataset(name, ends, variable) for name, ends in pieces.items()}, moved
