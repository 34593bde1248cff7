"""Every verb with object storage: the same results as on this machine, and nothing half sent looks whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import replicator as rp
from replicator.cli import main
from replicator.locations import ObjectLocation
from replicator.tables.manifests import MANIFEST
from replicator.tables.uploaded_folder import work_place

from ..object_server import SECRET, Bucket
from .conftest import small_study, write_tables

MODEL = Path(__file__).parents[2] / "models" / "demo.replica"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


def objects(bucket: Bucket, prefix: str) -> dict[str, bytes]:
    return {name: content for name, content in bucket.content(f"{prefix}/").items() if name != MANIFEST}


def test_every_verb(bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str], own_cache: Path) -> None:
    """The model is that of the same files here, the sample that of the same model; no secret is in anything that is written."""
    study, log = write_tables(tmp_path / "study", small_study(60)), tmp_path / "log.jsonl"
    bucket.put_folder(study, "in/study")
    source, model, out = (bucket.address(key) for key in ("in/study", "models/toy.replica", "out"))
    fit = ["fit", source, "-o", model, "--log-json", str(log), "--progress", "json"]
    assert main(fit) == 0
    said = capsys.readouterr()
    assert "Fetching dm.csv" in said.err and f"{model}: " in said.out
    assert main(["fit", str(study), "-o", str(tmp_path / "toy.replica"), "--no-cache", "--quiet"]) == 0
    assert bucket.get("models/toy.replica") == (tmp_path / "toy.replica").read_bytes()
    assert main(fit) == 2 and "there already" in capsys.readouterr().err
    assert main([*fit, "--overwrite"]) == 0
    assert main(["inspect", model]) == 0 and main(["inspect", str(tmp_path / "toy.replica")]) == 0
    shown = capsys.readouterr().out.split("TOY: learned")
    assert "60 subjects" in shown[-1]
    sample = ["sample", model, "-n", "40", "--seed", "3", "-o", out, "--log-json", str(log)]
    assert main(sample) == 0
    assert main(["sample", str(tmp_path / "toy.replica"), "-n", "40", "--seed", "3", "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert objects(bucket, "out") == files(tmp_path / "out")
    assert main(sample) == 2 and "the prefix is not empty" in capsys.readouterr().err
    assert main([*sample, "--resume"]) == 0  # it is there
    assert main([*sample, "--overwrite"]) == 0
    kept = str(tmp_path / "profile.json")
    assert main(["profile", source, "--json", kept, "--quiet"]) == 0 == main(["profile", kept, "--compare", out, "--quiet"])
    bucket.put("profile.json", Path(kept).read_bytes())
    assert main(["profile", bucket.address("profile.json"), "--compare", model, "--quiet"]) == 0
    here, there = (main(["validate", place, "--against", model, "--quiet"]) for place in (str(tmp_path / "out"), out))
    assert here == there in (0, 1)
    assert main(["evaluate", source, out, "--json", str(tmp_path / "evaluation.json"), "--quiet"]) in (0, 1)
    assert (tmp_path / "evaluation.json").is_file()
    written = [
        *bucket.content().values(),
        log.read_bytes(),
        *(path.read_bytes() for path in own_cache.rglob("*") if path.is_file()),
    ]
    assert not any(SECRET.encode() in content or b"AKIATEST" in content for content in written)


@pytest.mark.parametrize("format", ["xpt", "parquet", "json"])
def test_every_format(bucket: Bucket, tmp_path: Path, format: str) -> None:
    for out in (bucket.address("out"), str(tmp_path / "out")):
        assert main(["sample", str(MODEL), "-n", "6", "-o", out, "--format", format, "--quiet"]) == 0
    there = objects(bucket, "out")
    assert set(there) == set(files(tmp_path / "out"))
    if format != "json":  # which says when it was written
        assert there == files(tmp_path / "out")
    assert rp.read_study(bucket.address("out"))["LB"].to_frame().equals(rp.read_study(tmp_path / "out")["LB"].to_frame())


def test_parts_by_chunk(bucket: Bucket, tmp_path: Path) -> None:
    for out in (bucket.address("out"), str(tmp_path / "out")):
        arguments = ["-n", "600", "--domains", "DM,AE", "-o", out, "--format", "parquet", "--partition-by", "chunk", "--quiet"]
        assert main(["sample", str(MODEL), *arguments]) == 0
    here = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    there = objects(bucket, "out")
    assert {f"{name}.parquet/part-{number:05}.parquet" for name in ("dm", "ae") for number in (0, 1)} < set(there)
    assert there == {name: path.read_bytes() for name, path in here.items() if name != MANIFEST}
    assert rp.read_study(bucket.address("out"))["AE"].to_frame().equals(rp.read_study(tmp_path / "out")["AE"].to_frame())


def test_the_verbs_of_python(bucket: Bucket, tmp_path: Path) -> None:
    """They take the same texts."""
    study = write_tables(tmp_path / "study", small_study(40))
    bucket.put_folder(study, "study")
    fitted = rp.fit(bucket.address("study"), cache=False)
    fitted.save(bucket.address("m.replica"))
    again = rp.load_model(bucket.address("m.replica"))
    assert again.digest == fitted.digest == rp.fit(study, cache=False).digest
    written = again.write_sample(bucket.address("out"), 12, seed=1)
    assert str(written.folder) == bucket.address("out") and written.n_subjects == 12
    assert rp.read_study(bucket.address("out"))["DM"].n_rows == 12
    paths = rp.write_study(rp.read_study(bucket.address("study")), bucket.address("copy"), "parquet")
    assert str(paths[0]).startswith(bucket.address("copy/"))
    assert isinstance(rp.validate(bucket.address("out"), against=bucket.address("m.replica")), rp.Certificate)
    assert rp.validate(bucket.address("copy")).n_errors == rp.validate(study).n_errors


def test_refusals(bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, one sentence, no trace back, no secret, and nothing is written."""
    bucket.put("data/dm.csv", b"USUBJID\nS-1\n")
    there, data, log = bucket.address(), bucket.address("data"), tmp_path / "log"
    for arguments, said in (
        (["validate", f"{there}none"], "nothing under this prefix"),
        (["validate", "s3://nobody-has-this/x"], "no such bucket"),
        (["validate", "gs://bucket/x"], "gs://… are not understood"),
        (["validate", f"s3://AKIA:{SECRET}@bucket/x", "--log-json", str(log)], "holds credentials"),
        (["validate", data, "--html", f"{there}x.html"], "a report (HTML) is written on this machine only"),
        (["validate", data, "--log-json", f"{there}log"], "a log is written on this machine only"),
        (["inspect", f"{there}none.replica"], "there is no such object"),
        (["inspect", data], "a prefix and not a model file"),
        (["inspect", f"{there}data/dm.csv"], "not a model file, or damaged"),
        (["fit", data, "-o", f"{there}data/dm.csv", "--overwrite"], "has not written"),
        (["fit", data, "-o", there], "a bucket; name the object"),
        (["fit", data, "-o", "s3://nobody-has-this/m.replica"], "no such bucket"),
        (["sample", str(MODEL), "-n", "5", "-o", "s3://nobody-has-this/out"], "no such bucket"),
        (["sample", str(MODEL), "-n", "5", "-o", f"{there}data", "--overwrite"], "files that no former run has written"),
    ):
        assert main(arguments) == 2, arguments
        refused = capsys.readouterr()
        assert said in refused.err and refused.err.count("\n") == 1, refused.err
        assert SECRET not in refused.err and "Traceback" not in refused.err
    assert bucket.content() == {"data/dm.csv": b"USUBJID\nS-1\n"}
    assert not log.exists()


def command(bucket: Bucket, format: str) -> list[str]:
    options = ["-n", "300", "--seed", "5", "--format", format, "--resume", "--progress", "json"]
    return [sys.executable, "-m", "replicator", "sample", str(MODEL), "-o", bucket.address("out"), *options]


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_killed_while_it_is_sent(bucket: Bucket, tmp_path: Path, format: str) -> None:
    """What is there is refused by readers; going on ends with the objects of a sample on this machine, and its folder here goes."""
    rng = np.random.default_rng(len(format))
    n_kills = n_sent = 0
    for least in (0, 4, 12):
        run = subprocess.Popen(command(bucket, format), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert run.stderr is not None
        sent = 0
        for line in run.stderr:
            sent += "Uploading" in line
            if sent > least:
                break
        time.sleep(rng.uniform(0, 0.1))
        run.send_signal(signal.SIGKILL)
        run.stderr.close()
        if run.wait() == 0:  # it was faster; what is there is compared below
            break
        n_kills, n_sent = n_kills + 1, len(objects(bucket, "out"))
        with pytest.raises(rp.ReadError, match="was interrupted, so files may be missing"):
            rp.read_study(bucket.address("out"))
    assert n_kills and n_sent
    subprocess.run(command(bucket, format), check=True, capture_output=True)
    place = work_place(ObjectLocation(bucket.name, "out"))
    assert not list(place.parent.glob(f"{place.name}*"))
    here = ["sample", str(MODEL), "-n", "300", "--seed", "5", "--format", format, "-o", str(tmp_path / "out"), "--quiet"]
    assert main(here) == 0
    assert objects(bucket, "out") == files(tmp_path / "out")
    whole = json.loads(bucket.get(f"out/{MANIFEST}"))
    assert whole["files"] == json.loads((tmp_path / "out" / MANIFEST).read_bytes())["files"]


def test_ctrl_c_while_it_is_sent(bucket: Bucket) -> None:
    """The process ends with 130, says how to go on, and leaves no prefix that looks whole."""
    run = subprocess.Popen(command(bucket, "csv"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert run.stderr is not None
    for line in run.stderr:
        if "Uploading" in line:
            break
    run.send_signal(signal.SIGINT)
    said = run.stderr.read()
    run.stderr.close()
    assert run.wait() == 130 and "--resume goes on with it" in said and "Interrupted" in said
    with pytest.raises(rp.ReadError, match="was interrupted"):
        rp.read_study(bucket.address("out"))
    subprocess.run(command(bucket, "csv"), check=True, capture_output=True)
    assert rp.read_study(bucket.address("out"))["DM"].n_rows == 300


def test_nothing_of_it_is_loaded_where_it_is_not_needed() -> None:
    """Help, and looking for a former fit of files of this machine, load no library of object storage."""
    code = (
        "import sys; from replicator.cli import main; main(['--help']); "
        "from replicator.study_model.cache.kept_fits import find_fit_of_files; "
        "from replicator.study_model.cache.folder import CacheFolder; "
        f"find_fit_of_files(CacheFolder(), {str(Path(__file__).parents[2] / 'sample_data' / 'rvt117-204' / 'csv')!r}, {{}}); "
        "heavy = {name for name in sys.modules if name.startswith('pyarrow')}; sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
