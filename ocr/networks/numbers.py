"""The networks of notebooks/05_number_reader.ipynb, written by `make export`: edit them there."""

from ocr.backend import keras
from ocr.networks.captcha import block

layers = keras.layers


def published_network(classes=13):
    """Build the published number reader: images (200, 50, 1), width first, to (50, classes)."""
    x = image = keras.Input(shape=(200, 50, 1), name="image")
    x = layers.Conv2D(filters=32, kernel_size=3, padding="same", activation="relu", name="Conv1")(x)
    x = layers.MaxPooling2D(pool_size=2, name="pool1")(x)
    x = layers.Conv2D(filters=64, kernel_size=3, padding="same", activation="relu", name="Conv2")(x)
    x = layers.MaxPooling2D(pool_size=2, name="pool2")(x)
    x = layers.Reshape(target_shape=(50, 768), name="reshape")(x)
    x = layers.Dense(units=64, activation="relu", name="dense1")(x)
    x = layers.Dropout(rate=0.2, name="dropout")(x)
    for units, name in ((128, "bidirectional"), (64, "bidirectional_1")):
        lstm = layers.LSTM(units=units, return_sequences=True, dropout=0.25)
        x = layers.Bidirectional(lstm, name=name)(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="dense2")(x))


def improved_network(height, width, classes):
    """Build a convolutional network: images (height, width, 1) to logits (width / 4, classes).

    width: None where it varies; a multiple of 4 pixels.
    """
    x = image = keras.Input(shape=(height, width, 1), name="image")
    for filters, strides in ((16, 2), (32, 1), (48, 2), (64, 1), (96, (2, 1)), (128, (2, 1))):
        x = block(x, filters, 3, strides)
    x = layers.Permute(dims=(2, 1, 3))(x)
    x = layers.Reshape(target_shape=(1, -1, x.shape[2] * x.shape[3]))(x)
    x = block(x, 192, 1)
    for k in range(4):
        if k:
            whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
            x = layers.Add()([x, layers.Dense(units=192)(whole)])
        x = layers.Add()([x, block(x, 192, (1, 3))])
    x = layers.Reshape(target_shape=(-1, 192))(x)
    logits = layers.Dense(units=classes, name="logits")(x)
    return keras.Model(inputs=image, outputs=logits)
