"""The one command line of the study, `python -m study --help`: makes runs, reads records, draws, runs notebooks."""

import argparse
import json
import os
from pathlib import Path
import sys

from study import catalogue, plans, schema, settings
from study.experiment import DATA, NETWORKS, PENALTIES, REGULARIZER_WEIGHTS


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m study", description="Make the study's runs and read their records."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    tests = {"type": int, "nargs": "+", "choices": list(settings.LEARNING_RATES), "help": "default: 1 2 3"}
    seeds = {"type": int, "nargs": "+", "help": "default: 0, or all seeds of the set"}
    threads = {"type": int, "help": "of each run, part of its bits; default: 1"}
    profile = {"choices": list(settings.PROFILES), "help": "default: the one in force, STUDY_PROFILE or lesson"}
    read = {"type": Path, "default": settings.RECORDED, "metavar": "FOLDER", "help": "default: results/, the evidence"}
    write = {"type": Path, "metavar": "FOLDER", "help": "default: STUDY_RESULTS, or results/live, your own"}

    command = commands.add_parser("run", help="run what is not yet recorded")
    command.add_argument("--tests", **tests)
    command.add_argument("--arms", nargs="+", choices=list(plans.ARMS), help="default: both")
    command.add_argument("--penalties", nargs="+", choices=PENALTIES, help="variants to run instead of the arms")
    command.add_argument("--set", choices=list(plans.SETS), help="a planned set, with settings and seeds of its own")
    command.add_argument("--seeds", **seeds)
    command.add_argument("--profile", **profile)
    _add_settings(command.add_argument_group("settings of each run; default: the study's, or the profile's"))
    command.add_argument("--results", **write)
    command.add_argument("--threads", **threads)
    command.add_argument("--workers", type=int, help="runs at a time on this machine (needs Dask); with jax, judges")
    command.add_argument("--cluster", metavar="ADDRESS", help="scheduler of a Dask cluster, on a trusted network")
    command.add_argument("--engine", choices=("tensorflow", "jax"), default="tensorflow",
                         help="jax trains many runs at a time on a GPU (needs JAX)")  # fmt: skip
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.set_defaults(action=_run)

    command = commands.add_parser("status", help="count the records and read them all")
    command.add_argument("--json", action="store_true", help="for programs")
    place = command.add_mutually_exclusive_group()
    place.add_argument("--results", **read)
    place.add_argument("--live", action="store_true", help="your own runs, in STUDY_RESULTS or results/live")
    command.set_defaults(action=_status)

    command = commands.add_parser("table", help="print the tests side by side, of one results folder or of several")
    command.add_argument("--profile", **profile)
    place = command.add_mutually_exclusive_group()
    several = {"nargs": "+", "default": [settings.RECORDED], "help": "one or more, pooled; default: results/"}
    place.add_argument("--results", **{**read, **several})
    place.add_argument("--live", action="store_true", help="your own runs, in STUDY_RESULTS or results/live")
    command.set_defaults(action=_table)

    command = commands.add_parser("marks", help="count the exercises that passed in notebooks that were run")
    command.add_argument("folder", type=Path, help="with notebooks, for instance one folder a student")
    command.set_defaults(action=_marks)

    command = commands.add_parser("claims", help="print the verdict table: each claim and what decides it")
    command.add_argument("--results", **read)
    command.set_defaults(action=_claims)

    command = commands.add_parser("landmarks", help="judge noise, shuffled pixels, a Gaussian cloud and real images")
    command.add_argument("--results", **write)
    command.set_defaults(action=_landmarks)

    command = commands.add_parser("probe", help="measure both gradients inside runs that are not yet probed")
    command.add_argument("--tests", **tests)
    command.add_argument("--arms", nargs="+", choices=("plain", *PENALTIES), help="default: plain moments")
    command.add_argument("--set", choices=list(plans.SETS), help="a planned set, instead of tests and arms")
    command.add_argument("--seeds", **seeds)
    command.add_argument("--profile", choices=list(settings.PROFILES), help="default: ablation")
    command.add_argument("--every", type=int, default=10, help="steps between two measurements")
    command.add_argument("--threads", **threads)
    command.add_argument("--results", **write)
    command.set_defaults(action=_probe)

    command = commands.add_parser("figures", help="draw figures/ from the records")
    command.add_argument("--results", **read)
    command.add_argument("--folder", type=Path, default=settings.ROOT / "figures", help="where to write")
    command.set_defaults(action=_figures)

    command = commands.add_parser("film", help="write the frames and scores that docs/see_it_move.md steps through")
    command.add_argument("folder", type=Path, help="where to write")
    command.add_argument("--results", **read)
    command.set_defaults(action=_film)

    command = commands.add_parser("lecture", help="draw the pictures of the slides")
    command.add_argument("folder", type=Path, help="where to write")
    command.set_defaults(action=_lecture)

    command = commands.add_parser("notebooks", help="run notebooks top to bottom, in order")
    command.add_argument("names", nargs="*", help="numbers, names or paths of the wanted ones; default: all")
    command.add_argument("--store", action="store_true", help="store the outputs in notebooks/, not in executed/")
    command.add_argument("--address", metavar="OWNER/NAME", help="run none; write the repository's address into all")
    command.set_defaults(action=_notebooks)

    command = commands.add_parser("bench", help="time our training step against a plain Keras one")
    command.add_argument("--rounds", type=int, help="sets of fresh processes; default: 5")
    command.add_argument("--quick", action="store_true", help="does it run: one short round")
    command.set_defaults(action=_bench)
    return parser


def _add_settings(group):
    """Options for the fields of an `Experiment`."""
    group.add_argument("--rates", type=float, nargs="+", metavar="RATE", help="learning rates, in place of --tests")
    group.add_argument("--discriminator-rate", type=float, metavar="RATE", help="where it is another")
    group.add_argument("--beta1", type=float, dest="beta_1", metavar="β₁", help="of both Adams; default: 0.9")
    group.add_argument("--moment-weight", type=float, metavar="λ", help="of the penalty; default: 0.1, or as published")
    group.add_argument("--mean-weight", type=float, metavar="λ", help="of the mean gap alone")
    group.add_argument("--variance-weight", type=float, metavar="λ", help="of the variance gap alone")
    group.add_argument("--network", choices=NETWORKS, help="default: dcgan, the study's pair")
    group.add_argument("--regularizer", choices=list(REGULARIZER_WEIGHTS), help="of the discriminator")
    group.add_argument("--regularizer-weight", type=float, metavar="γ", help="default: as published")
    group.add_argument("--epochs", type=int)
    group.add_argument("--judged-epochs", type=int, nargs="+", metavar="EPOCH", help="the last must be among them")


SETTINGS = (
    *("discriminator_rate", "beta_1", "network", "regularizer", "regularizer_weight", "epochs", "judged_epochs"),
    *("moment_weight", "mean_weight", "variance_weight"),
)


def main(arguments=None):
    """The command line; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an encoding without arrows must not end a command
    options = _parser().parse_args(arguments)
    try:
        options.action(options)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (ValueError, OSError, ImportError, MemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command continues after the last finished epoch.", file=sys.stderr)
        return 130
    return 0


def _run(options):
    planned = _planned(options)
    if options.workers and options.cluster:
        raise ValueError("Workers: expected --workers or --cluster, found both.")
    results = options.results or settings.live_results()
    if options.engine == "jax":
        _refuse(options, "engine", {"cluster", "threads", "quiet"})
        os.environ["STUDY_ENGINE"] = "jax"
        from study import fleet

        fleet.run(planned, results, workers=options.workers)
        return
    from study import campaign  # TensorFlow, which reading does without

    verbose = 0 if options.quiet else "auto"
    workers = 1 if options.workers is None else options.workers
    campaign.run(planned, results, verbose, workers, options.cluster, _threads(options))


def _planned(options):
    """The experiments that the options of `run` name; options that would do nothing are an error."""
    given = _given(options)
    own = {"tests", "arms", "penalties", "profile", "rates", *SETTINGS}
    against = {"set": own, "penalties": {"arms", "mean_weight", "variance_weight"}, "rates": {"tests"},
               "moment_weight": {"mean_weight", "variance_weight"}}  # fmt: skip
    for one, others in against.items():
        _refuse(options, one, others)
    if options.set:
        return plans.SETS[options.set].experiments(options.seeds)
    settings_ = {name: getattr(options, name) for name in SETTINGS if name in given}
    weights = [settings_.pop(name, settings.MOMENT_WEIGHT) for name in ("mean_weight", "variance_weight")]
    if given & {"mean_weight", "variance_weight"}:
        settings_ |= plans.terms(*weights)
    weight = settings_.get("moment_weight", settings.MOMENT_WEIGHT)
    if not weight > 0:
        raise ValueError(f"Moment weight: expected above 0, found {weight}. The plain arm has 0: --arms plain")
    if "moment_weight" in settings_ and set(options.arms or ()) == {"plain"}:
        raise ValueError("Options: expected weights without --arms plain, which has none, found both.")
    arms = options.penalties or options.arms or tuple(plans.ARMS)
    if "penalty" in settings_:
        penalty = settings_.pop("penalty")
        arms = [penalty if arm == "moments" else arm for arm in arms]
    rates = options.rates or [settings.LEARNING_RATES[test] for test in options.tests or settings.LEARNING_RATES]
    return plans.at_rates(rates, arms, options.seeds or [0], options.profile, **settings_)


def _threads(options):
    return 1 if options.threads is None else options.threads


def _given(options):
    """The names of the options that the caller gave."""
    return {name for name, value in vars(options).items() if value is not None and value is not False}


def _refuse(options, one, others):
    """Raise if an option was given together with one that it would leave without effect."""
    given = _given(options)
    if one in given and (both := sorted(given & others)):
        one, other = (f"--{name.replace('_', '-')}".replace("beta-1", "beta1") for name in (one, both[0]))
        raise ValueError(f"Options: expected {one} without {other}, which then does nothing, found both.")


def _status(options):
    from study import records

    def read(folder):
        records.read(folder)
        return schema.read_header(folder)

    counts = catalogue.status(settings.live_results() if options.live else options.results, read)
    if options.json:
        print(json.dumps(counts, indent=2))
        return
    print(catalogue.status_text(counts))


def _table(options):
    profile = options.profile or settings.current_profile()
    folders = [settings.live_results()] if options.live else options.results
    chosen, troubles = catalogue.pooled(folders, profile)
    for trouble in troubles:
        print(f"warning: {trouble}", file=sys.stderr)
    if not chosen:
        raise ValueError(
            f"Records: expected some of profile {profile} in {', '.join(map(str, folders))}, found none. "
            f"Mend it with: python -m study run --profile {profile} --results {folders[0]}"
        )
    print(f"Runs of profile {profile}:")
    print(catalogue.table_text(chosen))


def _marks(options):
    from study import marks

    print(marks.text(marks.collect(options.folder)))


def _claims(options):
    from study import claims, evidence, gradients, hypotheses

    table = claims.table(options.results)
    print(claims.text(table))
    print("\nWhich term does the work, and which does more:")
    print(claims.which_term(table).to_string())
    print("\nThe author of the first post beside us, epochs 50 to 100:")
    print(evidence.as_text(evidence.first_post_table(options.results), ".3f").to_string())
    print("\nHypotheses (docs/hypotheses.md):")
    for name, row in hypotheses.judge(table, gradients.terms(options.results)).iterrows():
        print(f"{name}: {row['verdict']} ({row['found']})")


def _landmarks(options):
    from study import files, landmarks

    folder = options.results or settings.live_results()
    files.check_writable(folder)
    of_faces = {"networks": ["dcgan-w4"], "count": DATA["faces"][1], "name": "faces"}
    for path, settings_ in {landmarks.FACES_PATH: of_faces, landmarks.PATH: {}}.items():
        print(path.name)
        for name, scores in landmarks.make(folder / path.name, **settings_).items():
            print(f"{name:18s} FD {scores['frechet_distance']:6.2f}  KID {scores['kernel_distance']:6.2f}")


def _probe(options):
    from study import machine, probe

    _refuse(options, "set", {"tests", "arms", "profile"})
    machine.use_threads(_threads(options))
    if options.set:
        planned = plans.SETS[options.set].experiments(options.seeds)
    else:
        tests, arms = options.tests or (1, 2, 3), options.arms or ("plain", "moments")
        planned = plans.experiments(tests, arms, options.seeds or (0,), options.profile or "ablation")
    for experiment in planned:
        folder = probe.record(experiment, options.results or settings.live_results(), options.every)
        print(folder.name, flush=True)


def _figures(options):
    from study import figures, files

    files.check_writable(options.folder, "naming another with --folder")
    for path in figures.write(options.results, options.folder):
        print(path.name)


def _film(options):
    from study import files, film

    files.check_writable(options.folder, "naming another")
    for path in film.write(options.folder, options.results):
        print(path.name)


def _lecture(options):
    from study import files, lecture

    files.check_writable(options.folder, "naming another")
    for path in lecture.write(options.folder):
        print(path.name)


def _notebooks(options):
    from study import notebooks

    if options.address is not None and (options.names or options.store):
        raise ValueError("Options: expected --address alone, since it runs no notebook, found others with it.")
    if options.address is not None:
        notebooks.stamp(options.address)
    else:
        notebooks.run_all(options.names, options.store)


def _bench(options):
    from study import bench

    if options.quick and options.rounds is not None:
        raise ValueError("Options: expected --quick without --rounds, since it is one round, found both.")
    rounds = 5 if options.rounds is None else options.rounds
    print(bench.text(bench.measure(1, 1, 2) if options.quick else bench.measure(rounds)))


if __name__ == "__main__":
    sys.exit(main())
