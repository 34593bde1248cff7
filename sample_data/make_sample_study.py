"""Make the sample study: three arms, 44 subjects, 24 datasets, dirty as real studies are; the same bytes every time.

Run it with the package installed::

    python sample_data/make_sample_study.py

It replaces ``sample_data/rvt117-204``: ``csv/`` and ``xpt/`` with the same data, and ``planted.json`` with the count of every fault
and relation, counted on the finished tables. `README.md` beside this file says what each of them is. Subjects, compound, sponsor
and sites are invented; numbers were drawn from plausible distributions, none was taken from a real study.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sample_design import CRITERIA, DATASETS, NUMERIC, design
from sample_events import adverse_events, demography, disposition, elements, exposure, history, medications, visits
from sample_findings import (
    Row,
    characteristics,
    criteria_not_met,
    ecg,
    global_impression,
    laboratory,
    symptoms,
    vital_signs,
)
from sample_subjects import LIVER, STUDY, Subject, iso, make_subjects

from replicator.rng import stream
from replicator.tables.dataset import CodelistTerm, Column, Dataset, Numbers, Study, Text, Variable
from replicator.tables.writers import write_study

SEED = 117204
UPPER_CASE = "EG"  # the dataset whose files have an upper-case name and extension
WINDOWS = "CO"  # written as Windows-1252
SEMICOLON = "SC"  # cells parted by semicolons
BYTE_ORDER_MARK = "TS"  # UTF-8 with a mark
_LONGEST = 195  # letters of a comment in one cell; two bytes for some keep it below 200
Tables = dict[str, list[Row]]


def make_tables() -> tuple[Tables, list[Subject]]:
    """Make all tables, then the faults in them, then sequence numbers and links."""
    rngs = {name: stream(SEED, name) for name in ("subjects", "dirt", *DATASETS)}
    subjects = make_subjects(rngs["subjects"])
    t: Tables = {name: [] for name in DATASETS}
    t["DM"], t["SV"], t["SE"], t["DS"] = demography(subjects), visits(subjects), elements(subjects), disposition(subjects)
    t["EX"], t["AE"] = exposure(subjects, rngs["EX"]), adverse_events(subjects, rngs["AE"])
    t["MH"] = history(subjects, rngs["MH"])
    t["CM"] = medications(subjects, t["MH"], t["AE"], rngs["CM"])
    t["VS"], t["LB"], t["EG"] = vital_signs(subjects, rngs["VS"]), laboratory(subjects, rngs["LB"]), ecg(subjects, rngs["EG"])
    t["QSSY"], t["QSPG"] = symptoms(subjects, rngs["QSSY"]), global_impression(subjects, rngs["QSPG"])
    t["SC"], t["IE"] = characteristics(subjects, rngs["SC"]), criteria_not_met(subjects, CRITERIA)
    t |= design()
    _partial_dates(t, rngs["dirt"])
    _slips(t)
    _sequence(t)
    t["SUPPDM"], t["SUPPAE"] = _supplement_subjects(subjects), _supplement_events(t["AE"])
    t["RELREC"], t["CO"] = _relations(t, subjects), _comments(t, subjects)
    for row in t["AE"]:
        if len(str(row["AETERM"])) % 5 == 0:
            row["AETERM"] = f"{row['AETERM']}  "  # trailing blanks, as data entry leaves them
    return t, subjects


def _partial_dates(t: Tables, rng: np.random.Generator) -> None:
    """Cut dates that people do not remember to the month or year, and take away study days that these had."""
    for row in t["MH"]:
        row["MHSTDTC"] = _cut(str(row["MHSTDTC"]), rng, 0.5, 0.3)
    for row in t["CM"]:
        if row["EPOCH"] == "":
            row["CMSTDTC"] = _cut(str(row["CMSTDTC"]), rng, 0.45, 0.3)
            if len(str(row["CMSTDTC"])) < 10:
                row["CMSTDY"] = float("nan")
    for row in t["AE"]:
        if row.get("AEENDTC") and rng.random() < 0.04 and row["AEOUT"] != "FATAL":
            row |= {"AEENDTC": str(row["AEENDTC"])[:7], "AEENDY": float("nan")}
    for row in t["DM"]:
        if row["COUNTRY"] == "FRA":
            row["BRTHDTC"] = str(row["BRTHDTC"])[:4]


def _slips(t: Tables) -> None:
    """Make the mistakes of busy people: the two dates of an event changed over, results that nobody entered."""
    spans = [row for row in t["AE"] if row["AEACN"] == "DOSE NOT CHANGED" and len(str(row.get("AEENDTC", ""))) == 10]
    spans = [
        row
        for row in spans
        if row["AECONTRT"] == "N" and str(row["AESTDTC"]) < str(row["AEENDTC"]) and "T" not in str(row["AESTDTC"])
    ]
    row = spans[len(spans) // 2]
    row["AESTDTC"], row["AEENDTC"], row["AESTDY"], row["AEENDY"] = row["AEENDTC"], row["AESTDTC"], row["AEENDY"], row["AESTDY"]
    measured = [row for row in t["LB"] if "LBSTRESN" in row and "LBBLFL" not in row and row["USUBJID"]]
    for row in measured[150 :: len(measured) // 3]:
        for variable in ("LBORRES", "LBSTRESC", "LBSTRESN", "LBNRIND"):
            del row[variable]


def _cut(date: str, rng: np.random.Generator, year: float, month: float) -> str:
    share = rng.random()
    return date[:4] if share < year else date[:7] if share < year + month else date


def _sequence(t: Tables) -> None:
    """Sort every dataset by subject and time, and number its rows within the subject; split datasets share their numbers."""
    for names, prefix in ((("QSPG", "QSSY"), "QS"), *(((name,), name) for name in DATASETS if not name.startswith("QS"))):
        variable = f"{prefix}SEQ"
        if prefix in ("DM", "SV"):
            t[prefix].sort(key=lambda row: str(row["USUBJID"]))
        if not any(f"{variable} " in DATASETS[name][1] for name in names) or prefix in ("TS", "CO"):
            continue
        count: dict[str, int] = {}
        for name in names:
            t[name].sort(
                key=lambda row: (str(row["USUBJID"]), "" if "VISITNUM" in row else str(row.get(f"{prefix}STDTC", ""))[:10])
            )
            for row in t[name]:
                who = str(row["USUBJID"]) or str(row["POOLID"])
                count[who] = count.get(who, 0) + 1
                row[variable] = float(count[who])


def _supplement_subjects(subjects: list[Subject]) -> list[Row]:
    rows: list[Row] = []
    for subject in sorted(subjects, key=lambda s: s.usubjid):
        flags = (
            [("ITT", "Intent to Treat Population Flag", "Y"), ("SAFETY", "Safety Population Flag", "Y")]
            if subject.randomised
            else []
        )
        if subject.reason == "COMPLETED":
            flags.append(("COMPLT12", "Completers of Week 12 Population Flag", "Y"))
        if subject.race == "OTHER":
            flags.append(("RACEOTH", "Race, Other", "PACIFIC ISLANDER AND WHITE"))
        rows += [
            {
                "STUDYID": STUDY,
                "RDOMAIN": "DM",
                "USUBJID": subject.usubjid,
                "QNAM": name,
                "QLABEL": label,
                "QVAL": value,
                "QORIG": "Derived",
            }
            for name, label, value in flags
        ]
    return rows


def _supplement_events(events: list[Row]) -> list[Row]:
    rows: list[Row] = []
    for row in events:
        base: Row = {
            "STUDYID": STUDY,
            "RDOMAIN": "AE",
            "USUBJID": row["USUBJID"],
            "IDVAR": "AESEQ",
            "IDVARVAL": f"{row['AESEQ']:g}",
        }
        if row["EPOCH"] != "SCREENING":
            flag = {"QNAM": "AETRTEM", "QLABEL": "Treatment Emergent Flag", "QVAL": "Y", "QORIG": "Derived"}
            rows.append(base | flag | {"QEVAL": "SPONSOR"})
        if row["AEBODSYS"] == "VASCULAR DISORDERS" or row["AEDECOD"] == "OEDEMA PERIPHERAL":
            rows.append(base | {"QNAM": "AESPINT", "QLABEL": "Event of Special Interest", "QVAL": "Y", "QORIG": "CRF"})
    return rows


def _relations(t: Tables, subjects: list[Subject]) -> list[Row]:
    """Tie medicines to the events they treat, ends of treatment to the events that caused them, laboratory values to events."""
    rows: list[Row] = []

    def tie(kind: str, subject: str, *members: tuple[str, str, Row]) -> None:
        number = 1 + sum(str(row["RELID"]).startswith(kind) and row["USUBJID"] == subject for row in rows) // 2
        for domain, variable, row in members:
            base: Row = {
                "STUDYID": STUDY,
                "RDOMAIN": domain,
                "USUBJID": subject,
                "IDVAR": variable,
                "IDVARVAL": f"{row[variable]:g}",
            }
            rows.append(base | {"RELID": f"{kind}{number:02d}"})

    treats = {"PARACETAMOL": "HEADACHE", "NITROFURANTOIN": "URINARY TRACT INFECTION", "IBUPROFEN": "BACK PAIN"}
    for event in t["AE"]:
        who = str(event["USUBJID"])
        started = str(event["AESTDTC"])[:10]
        for drug in t["CM"]:
            fits = (who, started, event["AEDECOD"]) == (drug["USUBJID"], drug["CMSTDTC"], treats.get(str(drug["CMDECOD"])))
            if fits and event["AECONTRT"] == "Y":
                tie("AECM", who, ("AE", "AESEQ", event), ("CM", "CMSEQ", drug))
        if event["AEACN"] == "DRUG WITHDRAWN" or event["AEOUT"] == "FATAL":
            end = next(row for row in t["DS"] if row["USUBJID"] == who and row["DSCAT"] == "DISPOSITION EVENT")
            tie("AEDS", who, ("AE", "AESEQ", event), ("DS", "DSSEQ", end))
    for subject in subjects:
        if subject.key in LIVER:
            event = next(row for row in t["AE"] if row["USUBJID"] == subject.usubjid and str(row["AEDECOD"]).startswith("ALANINE"))
            values = [r for r in t["LB"] if (r["USUBJID"], r["LBTESTCD"]) == (subject.usubjid, "ALT") and "LBSTRESN" in r]
            tie("AELB", subject.usubjid, ("AE", "AESEQ", event), ("LB", "LBSEQ", max(values, key=lambda r: float(r["LBSTRESN"]))))
    return sorted(rows, key=lambda row: (str(row["USUBJID"]), str(row["RELID"])))


def _comments(t: Tables, subjects: list[Subject]) -> list[Row]:
    """Comments on subjects and on rows, in letters that ASCII does not have, one longer than a cell may be."""
    rows: list[Row] = []
    count: dict[str, int] = {}

    def add(who: str, domain: str, variable: str, value: str, date: str, words: str) -> None:
        count[who] = count.get(who, 0) + 1
        cut = words.rfind(" ", 0, _LONGEST) if len(words) > _LONGEST else len(words)
        row: Row = {"STUDYID": STUDY, "DOMAIN": "CO", "RDOMAIN": domain, "USUBJID": who, "COSEQ": float(count[who])}
        row |= {"IDVAR": variable, "IDVARVAL": value, "CODTC": date, "COEVAL": "INVESTIGATOR", "COVAL": words[:cut]}
        rows.append(row | ({"COVAL1": words[cut + 1 :]} if len(words) > _LONGEST else {}))

    for number, subject in enumerate(subjects):
        if number % 5 == 0:
            add(
                subject.usubjid,
                "DM",
                "",
                "",
                iso(subject.consent),
                ("Naïve to treatment", "Moved from site München", "Vu à l’hôpital")[number % 3],
            )
    severe = [row for row in t["AE"] if row["AESEV"] == "SEVERE"]
    for row in severe[:8]:
        add(
            str(row["USUBJID"]),
            "AE",
            "AESEQ",
            f"{row['AESEQ']:g}",
            str(row["AESTDTC"])[:10],
            "Seen by Dr Müller – no residual signs",
        )
    story = (
        "Subject was admitted after dinner with chest pain; the relatives called for help at once. Électrocardiogramme compatible "
        "with an acute infarction, resuscitation without success. The café where it happened was visited later and nobody could "
        "add anything of note to this account."
    )
    fatal = next(row for row in t["AE"] if row["AEOUT"] == "FATAL")
    add(str(fatal["USUBJID"]), "AE", "AESEQ", f"{fatal['AESEQ']:g}", str(fatal["AESTDTC"])[:10], story)
    return sorted(rows, key=lambda row: (str(row["USUBJID"]), float(row["COSEQ"])))


def make_study(t: Tables) -> Study:
    """Turn tables into a study with labels, types and codelists."""
    datasets = []
    lists = {
        "SEX": "Sex",
        "AESEV": "Severity",
        "AEOUT": "Outcome of Event",
        "AEACN": "Action Taken",
        "EPOCH": "Epoch",
        "ARMCD": "Arm",
    }
    lists |= {"DSDECOD": "Disposition", "LBTESTCD": "Laboratory Test", "VSTESTCD": "Vital Signs Test"}
    decodes = {"LBTESTCD": "LBTEST", "VSTESTCD": "VSTEST", "ARMCD": "ARM"}
    terms: dict[str, dict[str, str]] = {name: {} for name in lists.values()}
    for name, (label, described) in DATASETS.items():
        variables: list[Variable] = []
        columns: dict[str, Column] = {}
        for entry in described.split("|"):
            variable, _, words = entry.partition(" ")
            numeric = variable.endswith(NUMERIC) and variable != "RFXSTDTC"
            cells = [row.get(variable, float("nan") if numeric else "") for row in t[name]]
            codelist = lists.get(variable, "")
            if codelist:
                named = [str(row.get(decodes.get(variable, ""), "")) for row in t[name]]
                terms[codelist] |= {str(cell): word for cell, word in zip(cells, named, strict=True) if cell != ""}
            if numeric:
                columns[variable] = Numbers(np.array(cells, dtype=np.float64))
                variables.append(Variable(variable, words, "num", 8, "", codelist))
            else:
                columns[variable] = Text.of(str(cell) for cell in cells)
                length = max([1, *(len(str(cell).encode()) for cell in cells)])
                variables.append(Variable(variable, words, "char", length, "", codelist))
        datasets.append(Dataset(name, tuple(variables), columns, label))
    codelists = {name: tuple(CodelistTerm(*pair) for pair in sorted(found.items())) for name, found in terms.items()}
    return Study({dataset.name: dataset for dataset in datasets}, codelists)


def _csv_bytes(dataset: Dataset) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if dataset.name == SEMICOLON else ",", lineterminator="\n")
    writer.writerow(dataset.names)
    writer.writerows(zip(*(dataset[name].strings() for name in dataset.names), strict=True))
    return text.getvalue().encode({WINDOWS: "cp1252", BYTE_ORDER_MARK: "utf-8-sig"}.get(dataset.name, "utf-8"))


def write_sample(folder: Path) -> dict[str, int]:
    """Write the study below `folder` and return the count of everything planted in it."""
    t, subjects = make_tables()
    study = make_study(t)
    with tempfile.TemporaryDirectory() as place:
        written = write_study(study, Path(place) / "xpt", "xpt", define=True)
        for kind in ("csv", "xpt"):
            (folder / kind).mkdir(parents=True)
        for path in written:
            name = path.name.upper() if path.stem.upper() == UPPER_CASE else path.name
            shutil.copyfile(path, folder / "xpt" / name)
        define = (folder / "xpt" / "define.xml").read_text("utf-8").replace(".xpt", ".csv")
        (folder / "csv" / "define.xml").write_text(define, "utf-8")
    for dataset in study.datasets.values():
        name = f"{dataset.name.lower()}.csv"
        (folder / "csv" / (name.upper() if dataset.name == UPPER_CASE else name)).write_bytes(_csv_bytes(dataset))
    planted = count_planted(t, subjects, folder)
    (folder / "planted.json").write_text(json.dumps(planted, indent=1) + "\n", "utf-8")
    return planted


def count_planted(t: Tables, subjects: list[Subject], folder: Path) -> dict[str, int]:
    """Count faults and relations on the finished tables and files."""

    def cells(variable: str, test: Callable[[str], bool], *names: str) -> int:
        return sum(test(str(row.get(variable, ""))) for name in names for row in t[name])

    def partial(text: str) -> bool:
        return text != "" and len(text) < 10

    def timed(text: str) -> bool:
        return "T" in text

    empty = [
        (name, entry.split(" ")[0])
        for name, (_, described) in DATASETS.items()
        for entry in described.split("|")
        if not any(
            row.get(entry.split(" ")[0], "") != "" and row[entry.split(" ")[0]] == row[entry.split(" ")[0]] for row in t[name]
        )
    ]
    noisy = [float(row["LBSTRESN"]) for row in t["LB"] if "LBSTRESN" in row]
    return {
        "datasets": len(t),
        "subjects": len(subjects),
        "screen failures": sum(not subject.randomised for subject in subjects),
        "treated subjects": sum(subject.randomised for subject in subjects),
        "completers": sum(subject.reason == "COMPLETED" for subject in subjects),
        "ended by adverse event": sum(subject.reason == "ADVERSE EVENT" for subject in subjects),
        "ended for another reason": sum(
            subject.reason in ("WITHDRAWAL BY SUBJECT", "LOST TO FOLLOW-UP", "LACK OF EFFICACY") for subject in subjects
        ),
        "deaths": sum(subject.reason == "DEATH" for subject in subjects),
        "visits": len(t["SV"]),
        "unscheduled visits": sum(float(row["VISITNUM"]) % 1 > 0 for row in t["SV"]),
        "early termination visits": sum(row["VISIT"] == "EARLY TERMINATION" for row in t["SV"]),
        "partial MHSTDTC": cells("MHSTDTC", partial, "MH"),
        "partial CMSTDTC": cells("CMSTDTC", partial, "CM"),
        "partial AEENDTC": cells("AEENDTC", partial, "AE"),
        "partial BRTHDTC": cells("BRTHDTC", partial, "DM"),
        "VSDTC with time": cells("VSDTC", timed, "VS"),
        "LBDTC with time": cells("LBDTC", timed, "LB"),
        "EXSTDTC with time": cells("EXSTDTC", timed, "EX"),
        "AESTDTC with time": cells("AESTDTC", timed, "AE"),
        "LBORRES below quantification": cells("LBORRES", lambda text: text.startswith("<"), "LB"),
        "LBORRES in words": cells("LBORRES", lambda text: text in ("NEGATIVE", "TRACE", "1+", "2+"), "LB"),
        "LBORRES NEGATIVE": cells("LBORRES", lambda text: text == "NEGATIVE", "LB"),
        "QSORRES literal NA": cells("QSORRES", lambda text: text == "NA", "QSSY"),
        "LBSTRESN with float noise": sum(len(repr(value)) > 10 for value in noisy),
        "VS not done": cells("VSSTAT", bool, "VS"),
        "LB not done": cells("LBSTAT", bool, "LB"),
        "QS not done": cells("QSSTAT", bool, "QSSY"),
        "LB results missing without a status": sum("LBORRES" not in row and "LBSTAT" not in row for row in t["LB"]),
        "AE with start and end changed over": sum(
            len(str(row.get("AEENDTC", ""))) == 10 and str(row["AESTDTC"])[:10] > str(row["AEENDTC"]) for row in t["AE"]
        ),
        "rows with POOLID and no USUBJID": sum(row["USUBJID"] == "" for row in t["LB"]),
        "trailing blanks in AETERM": cells("AETERM", lambda text: text.endswith(" "), "AE"),
        "empty columns": len(empty),
        "bytes of cp1252 in co.csv": sum(byte > 127 for byte in (folder / "csv" / "co.csv").read_bytes()),
        "upper-case file names": sum(path.name == path.name.upper() for path in folder.rglob("*.*")),
        "dose reductions": cells("AEACN", lambda text: text == "DOSE REDUCED", "AE"),
        "dose interruptions": cells("AEACN", lambda text: text == "DRUG INTERRUPTED", "AE"),
        "SUPPDM rows": len(t["SUPPDM"]),
        "SUPPAE rows": len(t["SUPPAE"]),
        "comments": len(t["CO"]),
        "comments over 200 characters": cells("COVAL1", bool, "CO"),
        "RELREC pairs AE to CM": cells("RELID", lambda text: text.startswith("AECM"), "RELREC") // 2,
        "RELREC pairs AE to DS": cells("RELID", lambda text: text.startswith("AEDS"), "RELREC") // 2,
        "RELREC pairs AE to LB": cells("RELID", lambda text: text.startswith("AELB"), "RELREC") // 2,
    }


def main() -> None:
    """Replace the committed study, or write to the folder given."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "rvt117-204"
    shutil.rmtree(target, ignore_errors=True)
    for name, count in write_sample(target).items():
        print(f"{count:6d}  {name}")


if __name__ == "__main__":
    main()
