"""The networks of notebooks/03_dual_input.ipynb, written by `make export`: edit them there."""

from ocr.backend import keras
from ocr.networks.captcha import block

layers = keras.layers


def view(name):
    """Build the published convolutions over one view: (its input, its features (2304))."""
    x = picture = keras.Input(shape=(28, 28, 3 if name == "colour" else 1), name=name)
    for filters in (64, 128, 256):
        x = layers.Conv2D(filters=filters, kernel_size=3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(pool_size=2)(x)
    return picture, layers.Flatten()(x)


def published_network(classes=62, dropout=0.3, inputs=("colour", "binary")):
    """Build the published dual-input network, or one with one of its inputs alone."""
    pictures, features = zip(*map(view, inputs))
    x = layers.Concatenate()(features) if len(features) > 1 else features[0]
    for units in (256, 128):
        x = layers.Dropout(rate=dropout)(layers.Dense(units=units, activation="relu")(x))
    logits = layers.Dense(units=classes, name="logits")(x)
    return keras.Model(inputs=list(pictures), outputs=logits)


def on_views(network):
    """Wrap a network with inputs named "colour" and/or "binary": it takes views (28, 28, 4)."""
    image = keras.Input(shape=(28, 28, 4), name="image")
    views_of = {"colour": image[..., :3], "binary": image[..., 3:]}
    return keras.Model(inputs=image, outputs=network([views_of[x.name] for x in network.inputs]))


def improved_network(classes, width=48):
    """Build a residual CNN: views (28, 28, 4) to logits (classes)."""
    image = keras.Input(shape=(28, 28, 4), name="image")
    x = block(block(image, 24), width, strides=2)
    x = layers.Add()([x, block(x, width)])
    x = block(x, 2 * width, strides=2)
    for _ in range(2):
        x = layers.Add()([x, block(x, 2 * width)])
    x = layers.Dense(units=96, use_bias=False)(layers.Flatten()(block(x, 96, strides=2)))
    x = layers.Dropout(rate=0.3)(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    return keras.Model(inputs=image, outputs=layers.Dense(units=classes, name="logits")(x))
