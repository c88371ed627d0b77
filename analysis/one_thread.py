"""One thread for the linear algebra of many small matrices: several spend their time waiting for each other.

On cores that other work keeps busy they take ten times as long as one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block, or the function that this decorates, a product of matrices takes one thread."""
    with threadpool_limits(1, "blas"):
        yield
