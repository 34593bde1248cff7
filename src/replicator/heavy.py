"""Third-party libraries that are slow to load and that sampling can do without: loaded where they are first used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pandas
    import pyarrow.parquet as parquet
else:

    class _Later(ModuleType):
        """Stands for a module until something of it is asked for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(import_module(self.__name__), name)

    pandas = _Later("pandas")
    parquet = _Later("pyarrow.parquet")

__all__ = ["pandas", "parquet"]
