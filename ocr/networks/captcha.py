"""The networks of ocr.ipynb, written by `make export`: edit them there."""

from ocr.networks.ctc_layer import CTCLayer
from ocr.backend import keras

layers = keras.layers


def published_network(height, width, classes):
    """Build the published network: images (height, width, 1) to logits (width / 4, classes)."""
    image = keras.Input(shape=(height, width, 1), name="image")
    x = layers.Permute(dims=(2, 1, 3))(image)  # time first: (width, height, 1)
    same = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    for filters in (32, 64):
        x = layers.MaxPooling2D(pool_size=2)(layers.Conv2D(filters, kernel_size=3, **same)(x))
    x = layers.Reshape(target_shape=(x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.Dropout(rate=0.2)(layers.Dense(units=64, activation="relu")(x))
    for units in (128, 128, 64):
        x = layers.Bidirectional(layers.GRU(units=units, return_sequences=True, dropout=0.25))(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))


def with_loss(reading):
    """Build a model to train: inputs image and label; its last layer adds the CTC loss."""
    label = keras.Input(shape=(None,), dtype="int32", name="label")
    logits = CTCLayer(name="ctc_loss")(label, reading.output)
    return keras.Model(inputs={"image": reading.input, "label": label}, outputs=logits)


def block(x, filters, kernel=3, strides=1, norm=True):
    """Convolve, normalise the batch, ReLU. Momentum 0.9: in short trainings 0.99 lags behind."""
    x = layers.Conv2D(
        filters=filters, kernel_size=kernel, strides=strides, padding="same", use_bias=not norm
    )(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x) if norm else x)


def improved_network(height, width, classes):
    """Build a convolutional network: images (height, width, 1) to logits (width / 4, classes)."""
    x = image = keras.Input(shape=(height, width, 1), name="image")
    for filters, strides in ((16, (2, 2)), (32, (2, 2)), (48, (2, 1)), (64, (2, 1))):
        x = block(x, filters, 3, strides)
    x = layers.Permute(dims=(2, 1, 3))(x)
    x = layers.Reshape(target_shape=(1, x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.Dropout(rate=0.2)(block(x, 96, 1))
    for _ in range(2):
        x = layers.Add()([x, block(x, 96, (1, 3))])
    x = layers.Dropout(rate=0.2)(layers.Reshape(target_shape=x.shape[2:])(x))
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))


def one_cycle(network, steps, peak=3e-3, warmup=0.15):
    """Compile a model to train; its learning rate climbs to `peak`, then falls to 0 on a cosine."""
    climb = int(warmup * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - climb, warmup_target=peak, warmup_steps=climb
    )
    model = with_loss(network)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=rate, global_clipnorm=5.0))
    return model
