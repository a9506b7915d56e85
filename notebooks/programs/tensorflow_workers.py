"""Train one dense layer with two TensorFlow workers: by Keras's fit, or by a loop of our own.

Arguments: rank, ports of the workers with commas between, `fit` or `loop`.
"""

import json
import os
import sys


def main():
    rank, ports, how = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3]
    workers, me = [f"127.0.0.1:{port}" for port in ports], {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": me})
    import numpy as np
    import tensorflow as tf

    from ocr.backend import keras

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    x = np.random.default_rng(0).standard_normal((64, 8)).astype("float32")
    y = np.ones((64, 1), "float32")
    with strategy.scope():
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    if how == "fit":
        model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    rows = slice(rank * 32, (rank + 1) * 32)  # half of the batch is here
    step = update(tf, model)
    own = tf.constant(x[rows]), tf.constant(y[rows])
    losses = [strategy.reduce("sum", strategy.run(step, own), axis=None) for _ in range(5)]
    print("losses", [round(float(loss), 4) for loss in losses])


def update(tf, model):
    """Build the step of a worker: forward, all-reduce of the gradients, update."""

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2) / 2
        gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
        gradients = tf.distribute.get_replica_context().all_reduce("sum", gradients)
        for variable, gradient in zip(model.trainable_variables, gradients):
            variable.value.assign_sub(0.05 * gradient)
        return loss

    return step


if __name__ == "__main__":
    main()
