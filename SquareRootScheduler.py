"""Inverse-square-root learning rate: lr / sqrt(epoch + 1), as published, with optional warm-up."""

import numbers

from ocr.backend import keras

ops = keras.ops


@keras.saving.register_keras_serializable(package="ocr")
class SquareRootScheduler(keras.optimizers.schedules.LearningRateSchedule):
    """Schedule lr / sqrt(n + 1) for n = 0, 1, 2, ..., by epoch or by step.

    by epoch:  keras.callbacks.LearningRateScheduler(SquareRootScheduler(3e-4))
    by step:   keras.optimizers.Adam(SquareRootScheduler(3e-3, warmup=100))

    With `warmup=w` > 1 the rate climbs linearly to `lr` in w epochs (steps), then falls with the
    square root from there: lr * min((n + 1) / w, sqrt(w / (n + 1))). At w = 1, the default, this is
    the published formula. Source: the published CAPTCHA system (scheduler by epoch); Vaswani et al.
    2017 (warm-up).
    """

    def __init__(self, lr: float, warmup: int = 1):
        if lr <= 0 or warmup < 1:
            raise ValueError(f"need lr > 0 and warmup >= 1, got lr={lr}, warmup={warmup}")
        self.lr, self.warmup = lr, warmup

    def __call__(self, step):
        if isinstance(step, numbers.Number):  # from LearningRateScheduler, which wants a float
            n = step + 1
            return float(self.lr * min(n / self.warmup, (self.warmup / n) ** 0.5))
        n = ops.cast(step, "float32") + 1
        return self.lr * ops.minimum(n / self.warmup, ops.sqrt(self.warmup / n))

    def get_config(self):
        return {"lr": self.lr, "warmup": self.warmup}
