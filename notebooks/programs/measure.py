"""Train the network of ocr.ipynb for some steps, as one of several workers; time each step."""

import time

from worker import begin, leave


def main():
    given = begin()
    import numpy as np

    from ocr.backend import keras
    from ocr.datasets import dataset
    from ocr.networks.captcha import improved_network, one_cycle
    from ocr.reading import ctc
    from ocr.training import batches, distributed

    rows = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append((time.perf_counter(), float(logs["loss"])))

    data = dataset.load_labelled(given.data)
    alphabet = ctc.Alphabet.from_labels(data.labels)
    keras.utils.set_random_seed(0)
    network = improved_network(*data.images.shape[1:3], len(alphabet))
    model = one_cycle(network, 1_820)  # as in ocr.ipynb
    own = distributed.own_rows(given.batch)
    coming = batches.string_batches(data, alphabet, given.batch, own=own)
    settings = {"steps_per_epoch": given.steps, "shuffle": False, "verbose": 0}
    model.fit(coming, callbacks=[Steps()], **settings)
    times, means = np.array(rows).T  # Keras logs the mean so far
    losses = np.diff(means * np.arange(1, len(means) + 1), prepend=0)
    facts = {
        "losses": losses.tolist(),
        "step_s": float(np.median(np.diff(times[3:]))),
        "parameters": model.count_params(),
        "weights": len(model.trainable_variables),
        "normalised": sum("normal" in layer.name for layer in model.layers),
    }
    leave(given, facts)


if __name__ == "__main__":
    main()
