"""Linear algebra gives the same bytes however many threads there are."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from replicator.models.copula import GaussianCopula
from replicator.threads import one_thread


def blas_threads() -> set[int]:
    return {int(library["num_threads"]) for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_copula_has_the_same_bytes_on_one_thread_and_on_several() -> None:
    scores = np.random.default_rng(1).standard_normal((300, 200))
    fit = one_thread(GaussianCopula.fit)
    made = []
    for threads in (1, 2, 4):
        with threadpool_limits(limits=threads, user_api="blas"):
            copula = fit(scores)
            drawn = one_thread(copula.sample)(500, np.random.default_rng(2))
        made.append(copula.loadings.tobytes() + copula.unique.tobytes() + drawn.tobytes())
    assert made[0] == made[1] == made[2]


def test_threads_are_given_back_also_after_an_error() -> None:
    before = blas_threads()
    seen: list[set[int]] = []

    @one_thread
    def fails() -> None:
        seen.append(blas_threads())
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fails()
    assert seen == [{1}]
    assert blas_threads() == before
