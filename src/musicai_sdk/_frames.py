"""Tables for pandas, which is imported only here, when a table is requested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from musicai_sdk.errors import ConfigurationError


def data_frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    """A `pandas.DataFrame` of rows.

    Raises:
        ConfigurationError: pandas isn't installed.
    """
    try:
        pandas: Any = import_module("pandas")  # without its types, which need it
    except ImportError:
        raise ConfigurationError("to_pandas() needs pandas: pip install pandas") from None
    return pandas.DataFrame(list(rows), columns=columns)
