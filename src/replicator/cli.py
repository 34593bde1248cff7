"""The command line: one command per verb. Results go to standard output, progress and errors to standard error.

Exit codes: 0 fine; 1 findings; 2 cannot run, with one sentence that says why; 130 interrupted, with nothing half written.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

import replicator as rp
from replicator.cli_exit import FINDINGS, FINE, guarded, telling_notes, while_read
from replicator.cli_interrupts import listen
from replicator.cli_options import Copula, Data, Format, Html, Json, LogJson, ModelFile, Overwrite, PartitionBy, ProgressAs, Quiet
from replicator.cli_values import number_of_subjects, parse_arms, parse_domains, parse_place, parse_size, single_domain
from replicator.counting import counted, size
from replicator.errors import ConfigError
from replicator.garbage import all_kept, collection_paused
from replicator.log import configure, log_event
from replicator.study_model.cache.folder import CacheFolder
from replicator.study_model.cache.kept_fits import find_fit_of_files
from replicator.tables.fetched import fetched
from replicator.tables.study_files import source_locations
from replicator.targets import Output, check_target
from replicator.terminal import ProgressStyle, Stopwatch, progress_shown

app = typer.Typer(
    name="replicator",
    help="Learn how a clinical study behaves from its datasets, and make new subjects who behave the same way.",
    epilog="Exit codes: 0 fine, 1 findings, 2 cannot run, 130 interrupted (SIGINT or SIGTERM).",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
cache_app = typer.Typer(help="Look at what former fits have left for the next ones, and remove it.")
app.add_typer(cache_app, name="cache")


@app.command()
def fit(
    data: Data,
    out: Annotated[
        str,
        typer.Option("--out", "-o", parser=parse_place, metavar="FILE", help="Model file to write, here or as s3://bucket/key."),
    ],
    k: Annotated[int, typer.Option(min=1, max=1000, help="Fewest subjects behind any text, category, extreme or combination.")] = 5,
    k_terms: Annotated[
        int, typer.Option(min=1, max=1000, help="Fewest subjects behind a coded term; rarer ones get stand-ins.")
    ] = 3,
    copula: Annotated[Copula, typer.Option(help="Engine of the joint model of the subject.")] = Copula.GAUSSIAN,
    part: Annotated[
        str,
        typer.Option(metavar="I/N", help="Learn from one of N parts of the subjects, for example 1/10."),
    ] = "",
    cache: Annotated[bool, typer.Option(help="Use and keep the results of former fits.")] = True,
    overwrite: Overwrite = False,
    progress_as: ProgressAs = ProgressStyle.BAR,
    quiet: Quiet = False,
    log_json: LogJson = None,
) -> int:
    """Learn a study and write its model to one file."""
    _start(log_json)
    watch = Stopwatch()
    check_target(out, Output.MODEL, overwrite=overwrite, reading=data)
    with progress_shown("Reading", quiet=quiet, style=progress_as) as progress, fetched(source_locations(data), progress):
        settings = {"k": k, "k_terms": k_terms, "copula": copula.value, "part": part}
        former = find_fit_of_files(CacheFolder(), data, settings) if cache else None  # a second fit needs no heavy library
        fitted = former or rp.fit(data, k=k, k_terms=k_terms, copula=copula.value, part=part, cache=cache, progress=progress)
        n_bytes = fitted.save(out, overwrite=overwrite)
    _say(quiet, fitted.headline(), *(f"note: {note}" for note in fitted.notes), f"{out}: {size(n_bytes)}, {watch}")
    return FINE


@app.command()
def sample(
    model: ModelFile,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            parser=parse_place,
            metavar="FOLDER",
            help="Folder to write the datasets to, here or as s3://bucket/prefix; - for one dataset to standard output.",
        ),
    ],
    n: Annotated[int | None, typer.Option("-n", min=1, help="Number of subjects; may be left out with --arm.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same model, seed and options give the same bytes.")] = 0,
    format: Annotated[Format, typer.Option("--format", "-f", help="File format.")] = Format.CSV,
    where: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only subjects like this, for example 'SEX=F & AGE>65'.")
    ] = None,
    arm: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Subjects by arm (its name or code), for example 'A=50,B=50'.")
    ] = None,
    domains: Annotated[str | None, typer.Option(metavar="TEXT", help="Only these datasets, or domains: 'DM,AE,LB'.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; the result does not depend on it.")] = 1,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Draw on a Dask cluster, for example tcp://10.0.0.1:8786, with the same result.")
    ] = "",
    overwrite: Overwrite = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run of the same request.")] = False,
    partition_by: Annotated[
        PartitionBy | None,
        typer.Option("--partition-by", help="Write a folder for each dataset with a Parquet file for each chunk of subjects."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the sample will take (rows, bytes, time, memory), and write nothing.")
    ] = False,
    max_rows: Annotated[int | None, typer.Option(min=1, help="Refuse a sample that is expected to have more rows.")] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Use no more workers than this allows, for example '2GB'; refuse if one is too many."),
    ] = None,
    progress_as: ProgressAs = ProgressStyle.BAR,
    quiet: Quiet = False,
    log_json: LogJson = None,
) -> int:
    """Make new subjects and write their datasets."""
    _start(log_json)
    watch = Stopwatch()
    arms = parse_arms(arm) if arm else None
    n = number_of_subjects(n, arms)
    with collection_paused():
        fitted = rp.load_model(model)  # and the modules that sampling needs
    names = parse_domains(domains) if domains is not None else None
    if dry_run or max_rows is not None or max_memory is not None:
        if scheduler:
            raise ConfigError("--dry-run, --max-rows and --max-memory measure this machine; leave --scheduler out.")
        with progress_shown("Measuring", quiet=quiet, style=progress_as) as progress:
            expected = fitted.expect_sample(
                n, seed, format=format.value, where=where, arms=arms, domains=names, workers=workers, progress=progress
            )
        workers = expected.workers_within(max_rows, parse_size(max_memory) if max_memory is not None else None)
        if dry_run:
            _say(quiet, expected.with_workers(workers).to_text())
            return FINE
    with all_kept(), telling_notes(), progress_shown("Sampling", quiet=quiet, style=progress_as) as progress:
        asked: dict[str, Any] = {
            "format": format.value,
            "where": where,
            "arms": arms,
            "workers": workers,
            "scheduler": scheduler,
            "progress": progress,
        }
        if out == "-":
            if partition_by is not None:
                raise ConfigError("--partition-by needs a folder to write to; leave it out, or name one.")
            with while_read():
                fitted.stream_sample(sys.stdout.buffer, single_domain(names), n, seed, **asked)
            return FINE
        parts: Literal["chunk"] | None = None if partition_by is None else "chunk"
        written = fitted.write_sample(out, n, seed, **asked, domains=names, overwrite=overwrite, resume=resume, partition_by=parts)
    what = f"{counted(n, 'subject')}, {counted(written.n_datasets, 'dataset')}, {counted(written.n_rows, 'row')}"
    _say(quiet, f"{out}: {what} as {format.value}, seed {seed}, {watch}")
    return FINE


@app.command()
def profile(
    data: Data,
    html: Html = None,
    json: Json = None,
    compare: Annotated[
        str | None,
        typer.Option(
            parser=parse_place, metavar="OTHER", help="Say what is different in OTHER: data, or a profile kept with --json."
        ),
    ] = None,
    progress_as: ProgressAs = ProgressStyle.BAR,
    quiet: Quiet = False,
    log_json: LogJson = None,
) -> int:
    """Show what is in a study: datasets, variables, visits, tests, relations, and what cannot be learned."""
    _start(log_json, html, json, reading=[*data, *([compare] if compare else [])])
    with progress_shown("Profiling", quiet=quiet, style=progress_as) as progress:
        report = rp.pipeline.profile_source(data, progress=progress)
        shown = report if compare is None else rp.compare_profiles(report, rp.pipeline.profile_source(compare))
    _show(shown, html, json, quiet)
    return FINE


@app.command()
def validate(
    data: Data,
    against: Annotated[
        str | None,
        typer.Option(parser=parse_place, metavar="MODEL", help="Hold the data against this model's source, under the same rules."),
    ] = None,
    html: Html = None,
    json: Json = None,
    progress_as: ProgressAs = ProgressStyle.BAR,
    quiet: Quiet = False,
    log_json: LogJson = None,
) -> int:
    """Check data against the rules of the standard, or a sample against the rules of its source.

    Exits with 1 if the data break a rule or, with --against, break one that the source kept or more often than the source.
    """
    _start(log_json, html, json, reading=[*data, *([against] if against else [])])
    with progress_shown("Validating", quiet=quiet, style=progress_as) as progress:
        report = rp.validate(data, against=against, progress=progress)
    _show(report, html, json, quiet)
    return FINE if rp.pipeline.is_clean(report) else FINDINGS


@app.command()
def evaluate(
    source: Annotated[
        str, typer.Argument(parser=parse_place, metavar="SOURCE", help="What the sample was learned from: a folder, file or zip.")
    ],
    sample: Annotated[
        str, typer.Argument(parser=parse_place, metavar="SYNTHETIC", help="The sample to judge: a folder, file or zip.")
    ],
    holdout: Annotated[
        str | None,
        typer.Option(
            parser=parse_place, metavar="DATA", help="Real subjects whom the model never saw; without them the source is halved."
        ),
    ] = None,
    html: Html = None,
    json: Json = None,
    markdown: Annotated[
        str | None, typer.Option(parser=parse_place, metavar="FILE", help="Write verdict and measures as Markdown.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same data and seed give the same report.")] = 0,
    attack: Annotated[
        int, typer.Option(min=0, max=1000, help="Attack with so many models of halves of the source; each takes a fit.")
    ] = 0,
    infer: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help='Attack this attribute, such as "LB ALT level"; may be repeated.')
    ] = None,
    progress_as: ProgressAs = ProgressStyle.BAR,
    quiet: Quiet = False,
    log_json: LogJson = None,
) -> int:
    """Measure how good a stand-in for new subjects a sample is, and whether anybody of the source is found in it.

    Every distance is held against that of real subjects from each other. Exits with 1 if a measure is well off, the sample breaks a
    law that real subjects keep, or an attack on privacy succeeds.
    """
    _start(log_json, html, json, markdown, reading=[source, sample, *([holdout] if holdout else [])])
    with progress_shown("Evaluating", quiet=quiet, style=progress_as) as progress:
        report = rp.evaluate(source, sample, holdout, seed=seed, attack=attack, infer=infer or (), progress=progress)
    written = report.write(html=html, json=json, markdown=markdown)
    _say(quiet, report.to_text(_width()), *(f"report: {path}" for path in written))
    return FINE if report.conclusion.is_clean else FINDINGS


@app.command()
def inspect(model: ModelFile, html: Html = None, json: Json = None, quiet: Quiet = False) -> int:
    """Say in plain words what a model holds, and how few subjects stand behind any value in it."""
    _start(None, html, json, reading=[model])
    _show(rp.load_model(model).describe(), html, json, quiet)
    return FINE


@cache_app.command("list")
def cache_list() -> int:
    """Show what the cache holds."""
    cache = CacheFolder()
    entries = cache.entries()
    for entry in entries:
        typer.echo(f"{entry.used:%Y-%m-%d %H:%M}  {size(entry.size):>8}  {entry.stage:<10}  {entry.key[:16]}")
    typer.echo(f"{cache.folder}: {counted(len(entries), 'entry')}, {size(sum(entry.size for entry in entries))}")
    return FINE


@cache_app.command("prune")
def cache_prune(
    days: Annotated[float, typer.Option(min=0, help="Remove what has not been used for so many days.")] = 30,
    megabytes: Annotated[float, typer.Option(min=0, help="Then remove the longest unused until so much is left.")] = 1000,
) -> int:
    """Remove old entries."""
    cache = CacheFolder()
    removed = cache.prune(max_age_days=days, max_bytes=int(megabytes * 1e6))
    typer.echo(f"{cache.folder}: removed {counted(removed, 'entry')}")
    return FINE


@cache_app.command("clear")
def cache_clear() -> int:
    """Remove all entries."""
    cache = CacheFolder()
    typer.echo(f"{cache.folder}: removed {counted(cache.clear(), 'entry')}")
    return FINE


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"replicator {rp.__version__}")
        raise typer.Exit


@app.callback()
def face(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Learn how a clinical study behaves from its datasets, and make new subjects who behave the same way."""


def _start(
    log_json: str | None,
    html: str | None = None,
    json: str | None = None,
    markdown: str | None = None,
    *,
    reading: Sequence[str] = (),
) -> None:
    """Open the log, and refuse reports that cannot be written, or are being read, before any work is done."""
    configure(log_json)
    log_event("request", arguments=sys.argv[1:], version=rp.__version__)
    asked = {"--html": (html, Output.PAGE), "--json": (json, Output.REPORT), "--markdown": (markdown, Output.MARKDOWN)}
    taken: dict[str, str] = {}
    for option, (path, kind) in asked.items():
        if path is None:
            continue
        other = taken.setdefault(os.path.abspath(path), option)
        if other != option:
            raise ConfigError(f"{other} and {option} name one file, {path}; give each a name of its own.")
        check_target(path, kind, overwrite=True, reading=reading)


def _show(report: Any, html: str | None, json: str | None, quiet: bool) -> None:
    written = rp.pipeline.write_report(report, html=html, json=json)
    _say(quiet, rp.pipeline.render_text(report, _width(), sys.stdout.isatty()), *(f"report: {path}" for path in written))


def _width() -> int:
    if not sys.stdout.isatty():
        return 120
    return os.get_terminal_size(sys.stdout.fileno()).columns


def _say(quiet: bool, *lines: str) -> None:
    if not quiet:
        for line in lines:
            typer.echo(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; by default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    interrupted = listen()
    warnings.filterwarnings("ignore", category=UserWarning, module="joblib")  # it complains of workers that an interrupt stopped
    return guarded(lambda: app(args=arguments, standalone_mode=False), interrupted)
