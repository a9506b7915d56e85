"""Time all-reduces of several sizes, as one of several workers: {bytes: seconds}."""

import time

from worker import begin, leave


def main():
    given = begin()
    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec

    from ocr.training import distributed

    mesh = jax.make_mesh((distributed.count,), ("worker",))
    parts = NamedSharding(mesh, PartitionSpec("worker"))
    whole = NamedSharding(mesh, PartitionSpec())
    summed, seconds = jax.jit(lambda x: x.sum(axis=0), out_shardings=whole), {}
    for numbers in (16, 1_000, 10_000, 100_000, 1_000_000):
        own = np.ones((1, numbers), np.float32)
        x = jax.make_array_from_process_local_data(parts, own)
        times = []
        for _ in range(40):
            started = time.perf_counter()
            summed(x).block_until_ready()
            times.append(time.perf_counter() - started)
        seconds[4 * numbers] = float(np.median(times))
    leave(given, seconds)


if __name__ == "__main__":
    main()
