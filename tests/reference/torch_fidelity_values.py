"""Reference values of the two distances in feature space, computed by torch-fidelity.

Not part of the suite: it needs torch, which nothing else here does. In an environment of its own,
    pip install torch==2.13.0 numpy pillow tqdm && pip install --no-deps torch-fidelity==0.4.0
    python tests/reference/torch_fidelity_values.py
writes torch_fidelity_values.json beside this file. `feature_sets` needs NumPy alone; the tests import it.
"""

import importlib.metadata
import importlib.util
import json
from pathlib import Path
import sys
import types

import numpy as np

VALUES_PATH = Path(__file__).with_suffix(".json")
COUNT, DIM = 600, 64


def feature_sets():
    """Seeded feature sets, float64 (600, 64): `real`, and fake ones that fail in different ways."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(DIM, DIM)) / np.sqrt(DIM)

    def correlated(scale=1.0):
        # Non-negative and correlated, as features behind a ReLU are.
        return np.maximum(generator.gamma(2.0, scale, (COUNT, DIM)) @ mixing, 0.0)

    real = correlated()
    return {
        "real": real,
        "alike": correlated(),
        "wider": correlated(1.3),
        "shifted": correlated() + np.linspace(0.0, 0.5, DIM),
        "normal": generator.normal(1.0, 0.7, (COUNT, DIM)),
        # One mode only: nearly the same row 600 times, a covariance that is all but singular.
        "collapsed": real[0] + generator.normal(0.0, 1e-3, (COUNT, DIM)),
    }


def _import_metrics():
    """Import torch-fidelity's metric modules, whose package imports torchvision for networks not used here.

    torchvision has no CPU build for this torch, so where it is absent an empty stand-in takes its
    place; the two metrics work on features and never touch it.
    """
    if importlib.util.find_spec("torchvision") is None:
        names = ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")
        for name in names:
            sys.modules[name] = types.ModuleType(name)
        for data_set in ("CIFAR10", "CIFAR100", "STL10"):
            setattr(sys.modules["torchvision.datasets"], data_set, type(data_set, (), {}))
        sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
        sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]
    from torch_fidelity import metric_fid, metric_kid

    return metric_fid, metric_kid


def main():
    """Compute both distances of every fake set from the real one and write them."""
    import torch

    metric_fid, metric_kid = _import_metrics()
    sets = {name: torch.from_numpy(values) for name, values in feature_sets().items()}
    statistics = {name: metric_fid.fid_features_to_statistics(values) for name, values in sets.items()}
    distances = {}
    for name in list(sets)[1:]:
        frechet = metric_fid.fid_statistics_to_metric(statistics[name], statistics["real"], verbose=False)
        kernel = metric_kid.kid_features_to_metric(
            sets[name], sets["real"], kid_subsets=1, kid_subset_size=COUNT, kid_kernel_poly_degree=3, verbose=False
        )
        distances[name] = {
            "frechet_distance": frechet[metric_fid.KEY_METRIC_FID],
            "kernel_distance": kernel[metric_kid.KEY_METRIC_KID_MEAN],
        }
    values = {
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "torch-fidelity", "numpy")},
        # Tells a change of NumPy's random streams from a change of the metrics.
        "means": {name: float(values.mean()) for name, values in sets.items()},
        "distances": distances,
    }
    VALUES_PATH.write_text(json.dumps(values, indent=2) + "\n")


if __name__ == "__main__":
    main()
