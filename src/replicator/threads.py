"""Linear algebra on one thread, so that equal input gives equal bytes on any number of cores.

BLAS cuts a product into as many pieces as there are threads, and the last bits of a sum depend on the cut: a model that two threads
have fitted differs from one that a single thread has. The matrices are small, so a second thread costs more than it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Given = ParamSpec("Given")
Made = TypeVar("Made")


def one_thread(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Let a function use one thread for linear algebra; what the threads were before is restored after each call.

    Examples
    --------
    >>> one_thread(sum)([1, 2])
    3
    """

    @wraps(function)
    def limited(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        with threadpool_limits(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
