"""The figures of the README and of slides, from the recorded runs.

python -m helpers.figures    # writes figures/, the same bytes every time
"""

import argparse
import sys
from pathlib import Path

from helpers import evidence, metrics, plots, study
from helpers.experiment import RECORDED, ROOT


def write(results=RECORDED, folder=ROOT / "figures"):
    """Write all figures; return their paths."""
    pairs = study.load_pairs(results)
    figures = {f"test_{test}": plots.arms_over_training(*pair) for test, pair in pairs.items()}
    figures["three_tests"] = plots.three_tests(pairs)
    runs, frames, epochs = study.load_runs(results), study.load_frames(results), study.load_epochs(results)
    early = [table[table["profile"] == "lesson"] for table in (runs, frames)]
    full = epochs[(epochs["profile"] == "full") & (epochs["seed"] == 0)]
    figures["evidence"] = plots.evidence(evidence.bands(early[1]), full, metrics.floor()["frechet_distance"])
    figures["seeds"] = plots.seeds(early[0], evidence.COLLAPSED_BELOW)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        paths[-1].write_bytes(plots.png(figure))
    paths.append(folder / "test_3_animation.png")
    paths[-1].write_bytes(plots.animation(*pairs[3]))
    return paths


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.figures", description="Write the figures.")
    parser.add_argument("--results", type=Path, default=RECORDED, help="folder of the records")
    parser.add_argument("--folder", type=Path, default=ROOT / "figures", help="where to write")
    options = parser.parse_args(arguments)
    try:
        for path in write(options.results, options.folder):
            print(path.name)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
