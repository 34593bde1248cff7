"""A fitted study: the model, and what is known of its source without its rows; what fitting and loading hand to the user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import BinaryIO, Literal

from replicator._version import __version__
from replicator.arguments import check_instance, check_path
from replicator.config import FitConfig
from replicator.counting import counted
from replicator.errors import ArtifactError, SampleError, StudyError, WriteError
from replicator.locations import Location
from replicator.log import timed
from replicator.profile.study_profile import StudyProfile
from replicator.progress import Progress, silent
from replicator.reports.model import ModelDescription, describe_part
from replicator.reports.precision import measure_precision
from replicator.rules.certificate import Certificate, certificate
from replicator.rules.report import Status, ValidationReport
from replicator.rules.validation import validate
from replicator.sampling.expected import Expected, expect_sample
from replicator.sampling.request import Request
from replicator.sampling.written import Written, stream_rows, write_chunks
from replicator.study_model.artifact.coherence import check_coherence
from replicator.study_model.artifact.model_file import ArtifactContents, load_artifact, model_digest, pack_artifact, parse_artifact
from replicator.study_model.artifact.whereabouts import blamed
from replicator.study_model.study_model import StudyModel
from replicator.tables.dataset import Study
from replicator.tables.encoding import Format
from replicator.tables.notebook import html_notes
from replicator.targets import Output, check_target, write_whole


@dataclass(frozen=True, eq=False, repr=False)
class FittedStudy:
    """A model with its source's rules and profile.

    Attributes
    ----------
    model : StudyModel
        What was learned.
    judged : JSON
        :attr:`source` as plain values; it is made into objects when it is first asked for, as is :attr:`profile`.
    profiled : JSON
        :attr:`profile` as plain values.
    fingerprint : str
        Of the source.
    config : FitConfig
        What was asked of the fit.
    notes : tuple of str
        What was left out when reading and what could not be learned, one sentence each.
    packed : bytes
        The model file, where it is known already; else empty.
    origin : str
        The file that the model was read from; empty if it was fitted here.
    read_digest : str
        The digest of that file.
    """

    model: StudyModel
    judged: Mapping[str, object]
    profiled: Mapping[str, object]
    fingerprint: str
    config: FitConfig
    notes: tuple[str, ...] = ()
    packed: bytes = b""
    origin: str = ""
    read_digest: str = ""

    @cached_property
    def digest(self) -> str:
        """What tells this model from all others, 64 hexadecimal digits; a model and the file that it is saved to have the same."""
        return self.read_digest or model_digest(self.to_bytes())

    @cached_property
    def source(self) -> ValidationReport:
        """The rules of the standard and those learned from the source, and how the source did; no rows."""
        return ValidationReport.from_dict(self.judged)

    @cached_property
    def profile(self) -> StudyProfile:
        """The profile of the source."""
        return StudyProfile.from_json(json.dumps(self.profiled))

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        where: str | None = None,
        arms: Mapping[str, int] | None = None,
        domains: Sequence[str] | None = None,
        workers: int = 1,
        scheduler: str = "",
        progress: Progress | None = None,
    ) -> Study:
        """Make new subjects.

        Parameters
        ----------
        n : int
            Number of subjects, 1 or more.
        seed : int
            The same model, seed and options give the same study; subject i is the same in every sample at least i long.
        where : str, optional
            Only subjects like this, for example ``"SEX=F & AGE>65"``.
        arms : mapping of str to int, optional
            Subjects by arm, its name or code; they must add up to `n`.
        domains : sequence of str, optional
            Only these datasets.
        workers : int
            Processes; the result does not depend on it.
        scheduler : str
            Address of a Dask cluster whose machines draw instead, such as ``"tcp://10.0.0.1:8786"``; needs ``replicator[dask]``.
        progress : Progress, optional
            Told of every chunk.

        Raises
        ------
        SampleError
            If the request cannot be met.
        """
        request = self._request(n, seed, where, arms, domains, workers, scheduler, progress)
        with timed("sample", n=n, seed=seed, workers=workers):
            return request.study()

    def write_sample(
        self,
        folder: str | Path,
        n: int,
        seed: int = 0,
        *,
        format: Format = "csv",
        where: str | None = None,
        arms: Mapping[str, int] | None = None,
        domains: Sequence[str] | None = None,
        workers: int = 1,
        scheduler: str = "",
        overwrite: bool = False,
        resume: bool = False,
        partition_by: Literal["chunk"] | None = None,
        progress: Progress | None = None,
    ) -> Written:
        """Make new subjects and write them as they are made, so that memory does not grow with `n`.

        Parameters
        ----------
        folder : path
            Must be empty or not exist, but for `overwrite`; appears whole or not at all. What an interrupted run has finished stays
            beside it. May be a prefix ``s3://bucket/key`` in object storage; what goes there is built in the user's cache.
        format : {"csv", "xpt", "parquet", "json"}
            Of the files.
        resume : bool
            Go on with an interrupted run of the same request; the bytes are those of a run without interruption.
        partition_by : {"chunk"}, optional
            Write a folder for each dataset, such as ``lb.parquet``, with a file for each chunk of subjects, which pyarrow, pandas
            and :func:`~replicator.read_study` read as one; for Parquet alone.

        See Also
        --------
        sample : for the other parameters.

        Raises
        ------
        SampleError
            If the request cannot be met.
        WriteError
            If the folder is not empty or not writable, or the format cannot hold the data.
        """
        target = check_path(folder, "a folder to write", WriteError)
        request = self._request(n, seed, where, arms, domains, workers, scheduler, progress)
        made_by = {"model": self.digest, "version": __version__}
        with timed("write sample", n=n, seed=seed, format=format, workers=workers) as found:
            written = write_chunks(request, target, format, made_by, overwrite, resume, partition_by)
            found |= {"rows": written.n_rows, "resumed": written.n_resumed}
        return written

    def expect_sample(
        self,
        n: int,
        seed: int = 0,
        *,
        format: Format = "csv",
        where: str | None = None,
        arms: Mapping[str, int] | None = None,
        domains: Sequence[str] | None = None,
        workers: int = 1,
        progress: Progress | None = None,
    ) -> Expected:
        """Reckon what a sample would take: rows, bytes, time and memory, from its first chunks; nothing stays on the disk.

        See Also
        --------
        write_sample : for the parameters.

        Raises
        ------
        SampleError
            If the request cannot be met.
        WriteError
            If the format cannot hold the data.
        """
        request = self._request(n, seed, where, arms, domains, workers, "", progress)
        with timed("expect sample", n=n, seed=seed, format=format, workers=workers):
            return expect_sample(request, format)

    def stream_sample(
        self,
        file: BinaryIO,
        domain: str,
        n: int,
        seed: int = 0,
        *,
        format: Format = "csv",
        where: str | None = None,
        arms: Mapping[str, int] | None = None,
        workers: int = 1,
        scheduler: str = "",
        progress: Progress | None = None,
    ) -> int:
        """Make new subjects and write one of their datasets to an open file, such as a pipe, as they are made.

        Parameters
        ----------
        file : binary file
            It is only ever written to, and stays open.
        domain : str
            The dataset, or the domain of one.
        format : {"csv", "parquet"}
            The other formats need to go back in the file.

        Returns
        -------
        int
            Rows.

        See Also
        --------
        sample : for the other parameters.

        Raises
        ------
        SampleError
            If the request cannot be met.
        WriteError
            If the format is another one, or cannot hold the data.
        """
        request = self._request(n, seed, where, arms, [domain], workers, scheduler, progress)
        parts = request.datasets or ()
        if len(parts) != 1:
            raise SampleError(f"{domain} is split into {', '.join(parts)}; choose one of them.")
        with timed("stream sample", n=n, seed=seed, format=format, workers=workers) as found:
            found["rows"] = n_rows = stream_rows(request, parts[0], file, format)
        return n_rows

    def _request(
        self,
        n: int,
        seed: int,
        where: str | None,
        arms: Mapping[str, int] | None,
        domains: Sequence[str] | None,
        workers: int,
        scheduler: str,
        progress: Progress | None,
    ) -> Request:
        return Request(self.model, n, seed, where, arms, domains, workers, scheduler, progress or silent, self.origin)

    def certify(self, study: Study) -> Certificate:
        """Hold a study against the source, under the rules that were learned from it and those of the standard.

        Parameters
        ----------
        study : Study
            A sample, or any study of the same design.
        """
        check_instance(study, Study, "Study", StudyError, "give what sample or read_study has made")
        with timed("certify"):
            return certificate(self.source, validate(study, self.source.rules, self.model.structure, max_rows=0))

    def save(self, path: str | Path, overwrite: bool = False) -> int:
        """Write the model to one file, or to an object ``s3://bucket/key``; the same model gives the same bytes.

        Returns
        -------
        int
            Bytes.

        Raises
        ------
        WriteError
            If the file is there and `overwrite` is not set or it is no model file, or if it cannot be written.
        """
        target = check_target(path, Output.MODEL, overwrite=overwrite)
        with timed("save model", path=str(target)):
            packed = self.to_bytes()
            write_whole(target, packed)
        return len(packed)

    def to_bytes(self) -> bytes:
        """Make the bytes of the model file; :meth:`of_bytes` reads them."""
        contents = ArtifactContents(self.model, self.fingerprint, self.config, dict(self.judged), dict(self.profiled))
        return self.packed or pack_artifact(contents)

    @classmethod
    def of_bytes(cls, packed: bytes, shown: str = "model", notes: Sequence[str] = ()) -> FittedStudy:
        """Read a model file's bytes and keep them, so that saving need not make them again.

        Parameters
        ----------
        packed : bytes
            What :meth:`to_bytes` has made.
        shown : str
            How messages name it.
        notes : sequence of str
            What was left out when reading the source; the model's own notes follow.

        Raises
        ------
        ArtifactError
            As :func:`load_model`.
        """
        check_instance(packed, bytes, "model file's bytes", ArtifactError, "give what to_bytes has made")
        return replace(_unpacked(parse_artifact(packed, shown, root=StudyModel), shown, notes), packed=packed)

    def describe(self) -> ModelDescription:
        """Say in plain words what the model holds."""
        with blamed(self.model, self.origin):
            return self._described()

    def _described(self) -> ModelDescription:
        counts = self.source.counts()
        model = self.model
        parts = [
            describe_part("subjects", "subjects", model.subjects),
            describe_part("visits", "schedule", (model.schedule, model.visit_names)),
            *(describe_part(name, part.kind, part) for name, part in model.parts.items()),
            describe_part("links", "links", (model.links, model.comments)),
            describe_part("identifiers", "patterns", model.ids),
            describe_part("layouts", "metadata", (model.layouts, model.supplements, model.codelists, model.derivations)),
        ]
        return ModelDescription(
            model.name,
            model.n_subjects,
            self.config,
            tuple(parts),
            {name: dataset.n_rows for name, dataset in model.reference.items()},
            counts[Status.PASSED],
            counts[Status.FAILED],
            self.notes,
            measure_precision(model.subjects.joint, model.subjects.arms, model.subjects.arm_share, model.n_subjects),
        )

    def headline(self) -> str:
        """Say in one line what was learned."""
        return (
            f"{self.model.name or 'Study'}: learned from {counted(self.model.n_subjects, 'subject')} "
            f"{f'(part {self.config.part} of all) ' if self.config.part else ''}in {counted(len(self.model.layouts), 'dataset')}."
        )

    def __repr__(self) -> str:
        return f"<FittedStudy {self.headline().rstrip('.')}>"

    def _repr_html_(self) -> str:
        counts = self.source.counts()
        return (
            f"<p>{escape(self.headline())} k = {self.config.k}, terms {self.config.k_terms}; "
            f"{counts[Status.PASSED]:,} rules passed and {counts[Status.FAILED]:,} failed by the source.</p>"
            + html_notes(self.notes, "Not learned, or learned in part")
            + self.profile._repr_html_()
        )


def load_model(path: str | Location) -> FittedStudy:
    """Read a model file; nothing in it is imported or run.

    Parameters
    ----------
    path : path
        A file, or an object ``s3://bucket/key``, that :meth:`FittedStudy.save` or ``replicator fit`` has written.

    Raises
    ------
    ArtifactError
        If it is missing, foreign, damaged, unsafe, or newer than this version.
    """
    place = check_path(path, "a model file", ArtifactError)
    with timed("load model", path=str(place)):
        return _unpacked(load_artifact(place, root=StudyModel), str(place))


def _unpacked(contents: ArtifactContents[StudyModel], shown: str, notes: Sequence[str] = ()) -> FittedStudy:
    judged, profiled = contents.rules, contents.profile
    if not isinstance(judged, dict) or not isinstance(profiled, dict):
        raise ArtifactError(f"{shown}: its rules or its profile are missing; get it again from where it was made.")
    model = contents.model
    check_coherence(model, shown)
    notes = (*notes, *model.notes)
    return FittedStudy(model, judged, profiled, contents.source, contents.config, notes, origin=shown, read_digest=contents.digest)
