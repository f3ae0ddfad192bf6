"""Recheck published epidemiological numbers.

Everything public is offered here and loaded when it is first used, so `import analysis` costs nothing:

>>> from analysis import TwoByTwo, risk_ratio
>>> table = TwoByTwo(exposed_cases=90, exposed_total=4006, control_cases=114, control_total=20030)
>>> print(risk_ratio(table))
3.95 (3.00 to 5.19)
"""

from __future__ import annotations

from importlib import import_module

from analysis._public_names import HOMES

__version__ = "0.1.0"

_HOME_OF = {name: home for home, names in HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604 -- the names are strings of the table above
    "__version__",
    *_HOME_OF,
]


def __getattr__(name: str) -> object:
    """Load a public name from its home at first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'analysis' has no name {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
