"""What every test runs under: no test may change global state that numbers or figures depend on."""

import os
import random

import numpy as np
import pytest
from hypothesis import settings

# Examples are derived from the test itself, so that a run is the same everywhere.
settings.register_profile("reanalysis", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reanalysis")


@pytest.fixture(autouse=True)
def _unchanged_state():
    """Fail a test that leaves the global random state, numpy's error state or the environment changed."""
    # hypothesis sets the global seeds around its own tests; the states are compared on either side of it.
    before = _state()
    yield
    after = _state()
    # What a first import brings along (matplotlib's settings) has no before.
    changed = [name for name in before if after[name] != before[name]]
    assert not changed, f"the test changed global state: {', '.join(changed)}"


def _state():
    import sys

    generator = np.random.get_state()  # noqa: NPY002 -- the global state is what is watched
    state = {
        "numpy random": (generator[1].tobytes(), generator[2]),
        "python random": random.getstate(),
        "numpy errors": tuple(sorted(np.geterr().items())),
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "folder": os.getcwd(),  # noqa: PTH109
    }
    if "matplotlib" in sys.modules:
        import matplotlib as mpl

        state["rcParams"] = {key: str(value) for key, value in mpl.rcParams.items() if key != "backend"}
    return state
