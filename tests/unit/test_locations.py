"""Addresses of object storage: what they name, and that no secret in one is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicator.errors import ConfigError, ReadError
from replicator.locations import ObjectLocation, located

STEPS = st.text(
    st.characters(categories=("L", "N", "S"), include_characters="-_. @:%+", exclude_characters="/"), min_size=1, max_size=9
)


@given(st.lists(STEPS.filter(lambda step: step.strip(".") and step.isprintable()), max_size=4))
def test_an_address_and_its_place_are_inverse(steps: list[str]) -> None:
    """Nothing in a key is encoded or lost; a slash at the end does not count."""
    text = "/".join(["s3://studies", *steps])
    place = located(text, ReadError)
    assert isinstance(place, ObjectLocation)
    assert (place.bucket, place.key) == ("studies", "/".join(steps))
    assert str(place) == text
    assert located(f"{text}/", ReadError) == place
    assert str(place / "dm.csv") == f"{text}/dm.csv" and (place / "dm.csv").parent == place


def test_paths_stay_paths() -> None:
    for text in ("studies/pilot", "C:\\studies", "./a:b", "-", "s3", "s3/bucket"):
        assert located(text, ReadError) == Path(text)
    assert located(Path("studies"), ReadError) == Path("studies")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://", "names no bucket"),
        ("s3:///key", "names no bucket"),
        ("s3://a b/key", "names no bucket"),
        ("s3://studies/a//b", "no key"),
        ("s3://studies/../b", "no key"),
        ("s3://studies/a\nb", "no key"),
        ("s3://studies/" + "x" * 1025, "no key"),
        ("gs://studies/pilot", r"gs://… are not understood"),
        ("https://studies.s3.amazonaws.com/dm.csv?X-Amz-Signature=abc", r"https://… are not understood"),
    ],
)
def test_what_is_no_address(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        located(text, ConfigError)
    assert "abc" not in str(caught.value)


def test_a_path_that_swallowed_a_slash_is_told() -> None:
    with pytest.raises(ReadError, match="give the address as a text"):
        located(Path("s3://studies/pilot"), ReadError)


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA:hush@studies/pilot",
        "s3://AKIA:hu/hush@studies/pilot",
        "s3://hush@studies/pilot",
        "S3://AKIA:hush",
        "s3://studies/pilot?access_key=AKIA&secret_key=hush",
        "s3://studies/dm.csv?X-Amz-Security-Token=hush",
    ],
)
def test_credentials_are_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ReadError, match="holds credentials; leave them out") as caught:
        located(text, ReadError)
    assert "hush" not in str(caught.value) and "AKIA" not in str(caught.value)
