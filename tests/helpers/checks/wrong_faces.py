"""Typical wrong answers to the exercises of 17_faces."""


def _uncentred(width, height):
    side = min(width, height)
    return 0, 0, side, side


def _size_in_place_of_edges(width, height):
    side = min(width, height)
    return (width - side) // 2, (height - side) // 2, side, side


def _upright_alone(width, height):
    return 0, (height - width) // 2, width, (height + width) // 2


def _right(width, height):
    side = min(width, height)
    left, upper = (width - side) / 2, (height - side) / 2
    return [left, upper, left + side, upper + side]


def _one_by_one(fake, real):
    apart = abs(fake.mean(axis=0) - real.mean(axis=0))
    return [apart[..., channel].sum() for channel in range(3)]


RIGHT = {"centre_crop": [_right], "colour_gaps": [_one_by_one]}
WRONG = {
    "centre_crop": [
        (_uncentred, "as much is cut off above as below"),
        (_size_in_place_of_edges, "as much is cut off above as below"),
        (_upright_alone, "a wide image"),
        (lambda width, height: (0, 0, width, height), "as wide as the shorter side"),
    ],
    "colour_gaps": [
        (lambda fake, real: abs(fake.mean(axis=0) - real.mean(axis=0)).sum(), "one pixel differs"),
        (lambda fake, real: abs(fake.mean(axis=0) - real.mean(axis=0)).mean(axis=(0, 1)), "the sum over rows"),
        (lambda fake, real: abs((fake.mean(axis=0) - real.mean(axis=0)).sum(axis=(0, 1))), "before the sum"),
        (lambda fake, real: abs(fake - real.mean(axis=0)).mean(axis=0).sum(axis=(0, 1)), "before the absolute value"),
        (lambda fake, real: (fake.mean(axis=0) - real.mean(axis=0)).sum(axis=(0, 1)), "the absolute difference"),
        (lambda fake, real: abs(fake.mean(axis=0) - real).mean(axis=0).sum(axis=(0, 1)), "the mean over the batch"),
        (lambda fake, real: abs(fake.mean(axis=0) - real[0]).sum(axis=(0, 1)), "the mean over the batch of each"),
        (lambda fake, real: abs(fake.mean(axis=0) - real.mean(axis=0))[0].sum(axis=0), "two pixels differ"),
    ],
}
