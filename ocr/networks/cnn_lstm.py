"""The networks of notebooks/02_cnn_lstm.ipynb, written by `make export`: edit them there."""

from ocr.backend import keras
from ocr.networks.captcha import block

layers = keras.layers


def features(image):
    """Apply the published convolutions: (28, 28, 1) to (6, 6, 64)."""
    x = image
    for filters in (32, 64):
        x = layers.Conv2D(filters=filters, kernel_size=3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(pool_size=3, strides=2)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def recurrent_network(classes, steps=1):
    """Build the published CNN-BiLSTM (steps=1); steps=6: the image's rows are the sequence."""
    image = keras.Input(shape=(28, 28, 1), name="image")
    x = layers.Reshape(target_shape=(steps, 2304 // steps))(features(image))
    for _ in range(2):
        x = layers.Bidirectional(layers.LSTM(units=128, return_sequences=True, dropout=0.2))(x)
    x = layers.Dense(units=128, activation="relu")(layers.Flatten()(x))
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))


def plain_network(classes):
    """Build the published network without its LSTMs."""
    image = keras.Input(shape=(28, 28, 1), name="image")
    x = layers.Dense(units=128, activation="relu")(layers.Flatten()(features(image)))
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))


def rows_of(image):
    """Apply residual convolutions: (28, 28, 1) to 7 rows of 168 features."""
    x = block(image, 32, kernel=5, strides=2)
    x = layers.Add()([x, block(x, 32)])
    x = block(x, 64, strides=2)
    x = layers.Add()([x, block(x, 64)])
    x = block(x, 24, kernel=1)
    return layers.Reshape(target_shape=(7, 7 * 24))(x)


def repaired_network(classes):
    """Build residual convolutions, then a BiLSTM over 7 rows: a tenth of the parameters."""
    image = keras.Input(shape=(28, 28, 1), name="image")
    both_ways = layers.Bidirectional(layers.LSTM(units=64, return_sequences=True))
    x = layers.Flatten()(both_ways(rows_of(image)))
    x = layers.Dropout(rate=0.3)(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))
