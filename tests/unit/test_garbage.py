"""When garbage is looked for."""

from __future__ import annotations

import gc
import weakref

from replicator.garbage import all_kept, collection_paused


class _Circle:
    """Something that only a search for garbage finds."""

    def __init__(self) -> None:
        self.own = self


def test_what_is_there_is_passed_over_and_found_afterwards() -> None:
    """A circle that was let go stays while all is kept, and goes with the next search after that."""
    circle = weakref.ref(_Circle())
    with all_kept():
        gc.collect()
        assert circle() is not None
    gc.collect()
    assert circle() is None


def test_a_pause_ends_as_it_began() -> None:
    """Within a pause nothing is looked for; after it as before, be that never."""
    assert gc.isenabled()
    with collection_paused():
        assert not gc.isenabled()
        with collection_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
