"""The pairs of networks that are trained, by name: the study's, narrower ones, the first post's, and mixtures."""

from helpers import models
from keras import layers

from study.rivals import GRADIENT_PENALTIES, IN_THE_NETWORK

WIDTHS = {"generator": (1024, 256, 32), "discriminator": (32, 256)}  # of the study's pair
HIDDEN = {
    "dense-1": {"widths": (128,)},
    "dense-2": {"widths": (128, 384)},
    "dense-2-bn": {"widths": (128, 384), "batch_normalisation": True},
    "dense-4": {"widths": (128, 256, 384, 512)},
    "dense-4-bn": {"widths": (128, 256, 384, 512), "batch_normalisation": True},
    # The author's fourth hidden layer is read by none, so it has no effect and no gradient: it is not built.
    "dense-4-dead": {"widths": (128, 256, 384)},
    "dense-4-dead-bn-dropout": {
        "widths": (128, 256, 384),
        "batch_normalisation": True,
        "dropout": 0.2,  # the author keeps 0.8
        "slope": 0.1,
    },
}
NO_NORMALISATION = {"batch_normalisation": False}


def build(name, seeds, regularizer="none", image_shape=models.IMAGE_SHAPE):
    """Return the untrained generator and discriminator of a name, in plain Keras.

    Args:
        name: one of `experiment.NETWORKS`.
        seeds: `random.Random` that the layers' seeds are drawn from, the generator's first.
        regularizer: one of `experiment.REGULARIZER_WEIGHTS`, what is done to the discriminator: those of
            `rivals.IN_THE_NETWORK` change its layers.
        image_shape: height, width and channels of an image.

    Returns:
        Two `keras.Model`, from noise (batch, 100) to images (batch, *image_shape) and from images to logits.

    Raises:
        ValueError: "spectral" or a gradient penalty for a discriminator with batch normalisation. The penalty is of
            one image, which normalisation mixes with others; Miyato's discriminator has none.
    """
    place = {"seeds": seeds, "image_shape": image_shape}
    generator, discriminator = _generator(name, place), _discriminator(name, place)
    normalised = any(isinstance(layer, layers.BatchNormalization) for layer in discriminator.layers)
    if regularizer in ("spectral", *GRADIENT_PENALTIES) and normalised:
        raise ValueError(
            f"Regularizer {regularizer}: expected a discriminator without batch normalisation, found the network "
            f"{name}. Mend it with --network dcgan-no-bn-d, or a dense discriminator."
        )
    if regularizer in IN_THE_NETWORK:
        discriminator = IN_THE_NETWORK[regularizer](discriminator, seeds)
    return generator, discriminator


def _generator(name, place):
    if name in HIDDEN or name == "dense-g-conv-d":
        return models.build_dense_generator(**place, **HIDDEN.get(name, HIDDEN["dense-2"]))
    if name == "dcgan-no-bn-g":
        return models.build_generator(**place, **NO_NORMALISATION)
    return models.build_generator(**place, widths=_narrowed(name, "generator"))


def _discriminator(name, place):
    if name in HIDDEN or name == "conv-g-dense-d":
        return models.build_dense_discriminator(**place)
    if name == "dcgan-no-bn-d":
        return models.build_discriminator(**place, **NO_NORMALISATION)
    return models.build_discriminator(**place, widths=_narrowed(name, "discriminator"))


def _narrowed(name, network):
    """Widths of one of the study's networks: dcgan-w4 has a quarter of both, dcgan-g4 of the generator's."""
    kinds = ("dcgan-w", "dcgan-g") if network == "generator" else ("dcgan-w",)
    factor = int(name[-1]) if name[:-1] in kinds else 1
    return tuple(width // factor for width in WIDTHS[network])
