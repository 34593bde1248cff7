"""Settings of a fit, with bounds and a sentence each; the library, the command line and the cache use the same ones."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FitConfig(BaseModel):
    """What is asked of a fit; what is learned stands in the model, never here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    k: int = Field(
        default=5, ge=1, le=1000, description="Fewest subjects that must share a text, category, extreme or combination."
    )
    k_terms: int = Field(
        default=3, ge=1, le=1000, description="Fewest subjects that must share a coded term; rarer ones become stand-ins."
    )
    copula: Literal["gaussian", "copulas"] = Field(default="gaussian", description="Engine of the joint model of the subject.")
    part: str = Field(
        default="",
        pattern=r"^([1-9][0-9]*/[1-9][0-9]*)?$",
        description="Part of the subjects that is learned from, as 1/10; all by default.",
    )
