"""The networks of notebooks/01_char_cnn.ipynb, written by `make export`: edit them there."""

from ocr.backend import keras
from ocr.networks.captcha import block

layers = keras.layers


def published_network(classes=48, dropout=0.4, momentum=0.99):
    """Build the published deep CNN: images (28, 28, 1), padded to 32 x 32, to logits (classes)."""
    x = image = keras.Input(shape=(28, 28, 1), name="image")
    x = layers.ZeroPadding2D(padding=2)(x)
    three = ((3, 1, "valid"), (3, 1, "valid"), (5, 2, "same"))
    for filters, convolutions in ((32, three), (64, three), (128, ((4, 1, "valid"),))):
        for kernel, strides, padding in convolutions:
            x = layers.Conv2D(filters, kernel, strides, padding, activation="relu")(x)
            x = layers.BatchNormalization(momentum=momentum)(x)
        x = layers.Dropout(rate=dropout)(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))


def improved_network(classes, width=48):
    """Build a residual CNN: images (28, 28, 1) to logits (classes)."""
    image = keras.Input(shape=(28, 28, 1), name="image")
    x = block(image, width, kernel=5, strides=2)
    x = layers.Add()([x, block(x, width)])
    x = block(x, 2 * width, strides=2)
    for _ in range(2):
        x = layers.Add()([x, block(x, 2 * width)])
    x = layers.Dense(units=96, use_bias=False)(layers.Flatten()(block(x, 96, strides=2)))
    x = layers.Dropout(rate=0.3)(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))
