"""The networks of notebooks/05_number_reader.ipynb, written by `make export`: edit them there."""

from ocr.backend import keras
from ocr.networks.captcha import block

layers = keras.layers


def lstm(units):
    """Build an LSTM layer of the published network."""
    return layers.LSTM(units=units, return_sequences=True, dropout=0.25)


def published_network(classes=13):
    """Build the published number reader: images (200, 50, 1), width first, to (50, classes)."""
    x = image = keras.Input(shape=(200, 50, 1), name="image")
    for k, filters in ((1, 32), (2, 64)):
        conv = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"Conv{k}")
        x = layers.MaxPooling2D(pool_size=2, name=f"pool{k}")(conv(x))
    x = layers.Reshape(target_shape=(50, 768), name="reshape")(x)
    x = layers.Dense(units=64, activation="relu", name="dense1")(x)
    x = layers.Dropout(rate=0.2, name="dropout")(x)
    for units, name in ((128, "bidirectional"), (64, "bidirectional_1")):
        x = layers.Bidirectional(lstm(units), name=name)(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="dense2")(x))


def along_time(x, filters=192):
    """Convolve along time four times; from the second on, add the mean of all steps before."""
    for k in range(4):
        if k:
            whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
            x = layers.Add()([x, layers.Dense(units=filters)(whole)])
        x = layers.Add()([x, block(x, filters, (1, 3))])
    return x


def improved_network(height, width, classes):
    """Build a network: images (height, width, 1), width open if None, to (width / 4, classes)."""
    x = image = keras.Input(shape=(height, width, 1), name="image")
    for filters, strides in ((16, 2), (32, 1), (48, 2), (64, 1), (96, (2, 1)), (128, (2, 1))):
        x = block(x, filters, 3, strides)
    x = layers.Permute(dims=(2, 1, 3))(x)
    x = layers.Reshape(target_shape=(1, -1, x.shape[2] * x.shape[3]))(x)
    x = along_time(block(x, 192, 1))
    x = layers.Reshape(target_shape=(-1, 192))(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))
