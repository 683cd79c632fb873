"""Sets of runs: the tables, what a damaged record does to them, and the command line."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from helpers import metrics, records, study
from helpers.experiment import Experiment


@pytest.fixture
def folder(results, tmp_path):
    """A copy of the recorded pair, to be changed."""
    shutil.copytree(results, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def damaged(folder, tiny):
    """The pair, its plain arm damaged, and its name."""
    name = tiny(moment_weight=0.0).name
    (folder / "smoke" / name / "steps.npz").write_bytes(b"PK")
    return folder, name


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(Experiment, "build", lambda self: pytest.fail("something was run"))


def test_experiments_come_pair_by_pair():
    planned = study.experiments(seeds=(3, 4), profile="smoke")
    assert [(run.learning_rate, run.moment_weight, run.seed) for run in planned] == [
        (rate, weight, seed) for seed in (3, 4) for rate in (0.01, 0.001, 0.0001) for weight in (0.0, 0.1)
    ]
    assert {run.profile for run in planned} == {"smoke"}


def test_a_choice_of_experiments():
    assert study.experiments((2,), ("moments",), (1,), "lesson") == [Experiment.of_test(2, True, 1, "lesson")]


@pytest.mark.parametrize("wrong", [{"tests": (4,)}, {"arms": ("both",)}, {"seeds": (-1,)}, {"profile": "tiny"}])
def test_wrong_choices_are_named(wrong):
    with pytest.raises(ValueError, match="^(Test|Arm|Seed|Profile): expected .*found"):
        study.experiments(**{"profile": "smoke", **wrong})


def test_one_row_a_run(results, pair, tiny):
    runs = study.load_runs(results)
    assert list(runs) == [
        *("name", "test", "arm"),
        *records_fields(pair[0]),
        *("status", "reason"),
        *metrics.RECORDED,
        "wall_seconds",
    ]
    assert runs["name"].tolist() == [tiny(moment_weight=weight).name for weight in (0.0, 0.1)]
    assert runs["arm"].tolist() == ["plain", "moments"] and runs["test"].tolist() == [2, 2]
    for record, (_, row) in zip(pair, runs.iterrows(), strict=True):
        assert {name: row[name] for name in metrics.RECORDED} == record.metrics
        assert {name: row[name] for name in record.config} == record.config
        assert row["status"] == "finished" and row["wall_seconds"] == record.provenance["wall_seconds"]


def test_one_row_a_run_and_frame(results, pair):
    frames = study.load_frames(results)
    for arm, record in zip(("plain", "moments"), pair, strict=True):
        chosen = frames[frames["arm"] == arm]
        assert chosen["step"].tolist() == record.frame_steps.tolist()
        assert (chosen["name"] == record.name).all() and (chosen["test"] == 2).all()
        for name in metrics.QUICK_NAMES:
            assert chosen[name].tolist() == record.frames[name].tolist()


def test_no_records_make_an_empty_table(tmp_path):
    assert study.load_frames(tmp_path).empty


def test_older_records_have_the_default_penalty_and_no_ratio(folder, tiny):
    for path in (folder / "smoke").glob("*/record.json"):
        header = json.loads(path.read_text())
        del header["config"]["penalty"], header["metrics"]["variance_ratio"]
        path.write_text(json.dumps(header))
    runs = study.load_runs(folder)
    assert runs["penalty"].tolist() == ["moments", "moments"] and runs["arm"].tolist() == ["plain", "moments"]
    assert runs["variance_ratio"].isna().all() and runs[list(metrics.NAMES)].notna().all(axis=None)
    assert (study.load_epochs(folder)["penalty"] == "moments").all()


def test_an_arm_is_named_by_its_penalty(folder, tiny):
    run = tiny(penalty="mean")
    source = folder / "smoke" / tiny().name
    shutil.copytree(source, folder / "smoke" / run.name)
    path = folder / "smoke" / run.name / "record.json"
    path.write_text(path.read_text().replace('"penalty": "moments"', '"penalty": "mean"'))
    assert study.load_runs(folder)["arm"].tolist() == ["plain", "moments", "mean"]
    assert [count["arm"] for count in study.status(folder)["runs"]] == ["mean", "moments", "plain"]


@pytest.mark.parametrize("name", study.SETS)
def test_sets_of_variants_come_rate_by_rate_and_seed_by_seed(name):
    planned = study.variants(study.SETS[name], (0, 1, 2, 3, 4))
    assert {run.profile for run in planned} == {"ablation"} and len(set(planned)) == len(planned)
    assert planned[0].learning_rate == 0.0001
    first = len(study.SETS[name][0][1])
    assert [run.seed for run in planned[: 2 * first]] == [0] * first + [1] * first
    lesson = Experiment.of_test(3, True, profile="lesson")
    assert all((run.epochs, run.train_images) == (lesson.epochs, lesson.train_images) for run in planned)


def test_the_ablations_are_those_of_the_table():
    planned = study.variants(study.SETS["ablations"], (0,))
    assert {(run.learning_rate, run.penalty) for run in planned} == {
        *((rate, penalty) for rate in (0.01, 0.001, 0.0001) for penalty in ("mean", "variance")),
        *((0.0001, penalty) for penalty in ("early", "late", "placebo", "rescaled")),
    }


def records_fields(record):
    return list(record.config)


def test_one_row_a_run_and_epoch(results, pair):
    epochs = study.load_epochs(results)
    identity = {"test", "arm", "learning_rate", "moment_weight", "seed", "profile", "epoch"}
    assert identity | set(records.STEP_NAMES) | set(metrics.NAMES) <= set(epochs)
    assert epochs[["arm", "epoch"]].values.tolist() == [["plain", 1], ["plain", 2], ["moments", 1], ["moments", 2]]
    assert epochs.index.tolist() == [0, 1, 2, 3]
    for record, rows in zip(pair, (epochs[:2], epochs[2:]), strict=True):
        assert (rows["moment_weight"] == record.config["moment_weight"]).all()
        for name in (*records.STEP_NAMES, *metrics.NAMES):
            assert rows[name].tolist() == record.epochs[name].tolist()


def test_a_rate_of_no_test_is_test_0(folder, tiny):
    path = folder / "smoke" / tiny().name / "record.json"
    path.write_text(path.read_text().replace('"learning_rate": 0.001', '"learning_rate": 0.5'))
    assert study.load_runs(folder)["test"].tolist() == [2, 0]


def test_an_empty_folder_has_empty_tables(tmp_path):
    assert len(study.load_runs(tmp_path)) == len(study.load_epochs(tmp_path)) == 0
    assert study.status(tmp_path) == {"valid": 0, "runs": [], "damaged": []}


@pytest.mark.parametrize("load", [study.load_runs, study.load_epochs, study.load_records])
def test_a_damaged_record_is_named_and_left_out(damaged, load):
    folder, name = damaged
    with pytest.warns(UserWarning, match=f"Record .*{name}: expected .*Mend it") as caught:
        loaded = load(folder)
    assert len(caught) == 1
    assert len(loaded) == {study.load_runs: 1, study.load_epochs: 2, study.load_records: 1}[load]
    assert (folder / "smoke" / name / "steps.npz").read_bytes() == b"PK"  # left as it is


def test_status_counts_arms_and_damage(damaged):
    folder, name = damaged
    counts = study.status(folder)
    assert counts["runs"] == [{"profile": "smoke", "test": 2, "arm": "moments", "finished": 1, "failed": 0}]
    assert len(counts["damaged"]) == 1 and name in counts["damaged"][0]


def test_drafts_live_runs_and_other_folders_are_no_records(folder):
    before = study.status(folder)
    for name in (".draft-run", ".partial-run"):
        (folder / "smoke" / name).mkdir()
    (folder / "smoke" / "notes.txt").touch()
    shutil.copytree(folder / "smoke", folder / "live" / "smoke")
    assert study.status(folder) == before


def test_records_are_found_below_any_folder(folder, tmp_path):
    elsewhere = tmp_path / "notebooks" / "live" / "results"
    shutil.copytree(folder, elsewhere)
    assert len(study.load_records(elsewhere)) == 2


def test_pairs_are_read_together(results, pair, same_bits):
    (test,) = (found := study.load_pairs(results, "smoke", tests=(2,)))
    assert test == 2
    for one, other in zip(found[2], pair, strict=True):
        same_bits(one, other)


def test_an_incomplete_pair_is_named(folder, tiny):
    shutil.rmtree(folder / "smoke" / tiny().name)
    with pytest.raises(ValueError, match=f"Records of profile smoke.*found no {tiny().name}. Mend it"):
        study.load_pairs(folder, "smoke", tests=(2,))


def test_table_shows_the_arms_in_order(results):
    runs = study.load_runs(results)
    text = study.table(runs.iloc[::-1])
    assert text.index.tolist() == ["2", "2"]
    assert text["arm"].tolist() == ["plain", "moments"]
    assert text["rate"].tolist() == ["0.001", "0.001"]
    assert text["Fréchet ↓"].tolist() == [f"{value:.1f}" for value in runs["frechet_distance"]]
    assert text["digits ↑"].tolist() == [f"{value:.0f}" for value in runs["digits_covered"]]


def test_table_says_failed_for_a_failed_run(results):
    runs = study.load_runs(results)
    runs.loc[1, list(metrics.NAMES)] = np.nan
    shown = study.table(runs).drop(columns=["rate", "arm", "seed"])
    assert (shown.iloc[1] == "failed").all() and not (shown.iloc[0] == "failed").any()


def test_scorecard_puts_runs_side_by_side(pair):
    card = study.scorecard({"ours": pair[1].metrics, "diverged": {}})
    assert card.index.tolist() == list(metrics.NAMES)
    assert (card["diverged"] == "failed").all()
    assert card.loc["precision", "ours"] == f"{pair[1].metrics['precision']:.2f}"
    assert card.loc["frechet_distance", "ours"] == f"{pair[1].metrics['frechet_distance']:.1f}"


def test_run_skips_what_is_recorded(results, tiny, pair, no_training, same_bits, capsys):
    done = study.run([tiny(), tiny(moment_weight=0.0)], results)
    same_bits(done[0], pair[1])
    same_bits(done[1], pair[0])
    printed = capsys.readouterr().out
    assert f"[1/2] smoke {tiny().name}" in printed and printed.count("finished") == 2


def record_everything(folder, pair, tests=(1, 2, 3)):
    """Records of all arms of smoke's protocol, copied from a tiny pair under new settings."""
    for run in study.experiments(tests, profile="smoke"):
        record = pair[run.moment_weight > 0]
        header = {"name": run.name, "config": {**record.config, **run.__dict__}}
        records.write(folder / "smoke" / run.name, records.Record(**{**record.__dict__, **header}))


def test_command_run_skips_what_is_recorded(tmp_path, pair, no_training, capsys):
    record_everything(tmp_path, pair)
    assert study.main(["run", "--profile", "smoke", "--results", str(tmp_path), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "[6/6] smoke lr0.0001-moments0.1-seed0" in captured.out and captured.err == ""


def test_command_run_runs_what_is_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "run", lambda *settings: asked.append(settings))
    arguments = ["run", "--tests", "3", "1", "--arms", "moments", "--seeds", "4", "5", "--profile", "lesson"]
    assert study.main([*arguments, "--results", str(tmp_path), "--quiet"]) == 0
    expected = study.experiments((3, 1), ("moments",), (4, 5), "lesson")
    assert asked == [(expected, tmp_path, 0, 1, None)]


def test_command_run_runs_a_set_or_penalties(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(study, "run", lambda *settings: asked.append(settings[0]))
    common = ["--seeds", "0", "1", "--profile", "ablation", "--results", str(tmp_path)]
    assert study.main(["run", "--set", "better", *common]) == 0
    assert study.main(["run", "--tests", "3", "--penalties", "mean", "late", *common]) == 0
    assert asked[0] == study.variants(study.SETS["better"], (0, 1))
    assert asked[1] == study.variants([(3, ("mean", "late"))], (0, 1))


def test_command_status(damaged, capsys):
    folder, name = damaged
    assert study.main(["status", "--results", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "smoke" in printed and "moments" in printed and f"{name}: expected" in printed


def test_command_status_for_programs(damaged, capsys):
    folder, _ = damaged
    assert study.main(["status", "--json", "--results", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out) == study.status(folder)


def test_command_status_of_nothing(tmp_path, capsys):
    assert study.main(["status", "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No records.\n"


def test_command_table(results, capsys):
    assert study.main(["table", "--profile", "smoke", "--results", str(results)]) == 0
    printed = capsys.readouterr().out
    assert "profile smoke" in printed and study.table(study.load_runs(results)).to_string() in printed


def test_command_table_shows_one_profile_only(folder, monkeypatch, capsys):
    shutil.copytree(folder / "smoke", folder / "lesson")
    for path in (folder / "lesson").glob("*/record.json"):
        path.write_text(path.read_text().replace('"profile": "smoke"', '"profile": "lesson"'))
    monkeypatch.setenv("STUDY_PROFILE", "lesson")  # the one in force is the default
    assert study.main(["table", "--results", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "profile lesson" in printed and printed.count("0.001") == 2


@pytest.mark.parametrize("command", [[], ["run"], ["status"], ["table"]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        study.main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: python -m helpers.study" in capsys.readouterr().out


WRONG_COMMANDS = {
    "a file for a folder": ["run", "--profile", "smoke", "--results", "{file}"],
    "no records": ["table", "--profile", "smoke", "--results", "{missing}"],
    "a negative seed": ["run", "--profile", "smoke", "--seeds", "-1", "--results", "{missing}"],
}


@pytest.mark.parametrize("case", WRONG_COMMANDS)
def test_a_wrong_command_says_so_in_one_line(case, tmp_path, capsys, no_training):
    (tmp_path / "file").touch()
    places = {"file": tmp_path / "file", "missing": tmp_path / "missing"}
    assert study.main([argument.format(**places) for argument in WRONG_COMMANDS[case]]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "expected" in error


def test_a_wrong_profile_in_the_environment_says_so_in_one_line(monkeypatch, capsys, no_training, tmp_path):
    monkeypatch.setenv("STUDY_PROFILE", "quick")
    assert study.main(["run", "--results", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Profile: expected") and error.count("\n") == 1


def test_command_run_names_a_damaged_record(damaged, capsys, no_training):
    folder, name = damaged
    arguments = ["run", "--tests", "2", "--arms", "plain", "--profile", "smoke", "--results", str(folder)]
    assert study.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: Record ") and name in error and error.count("\n") == 1


def test_an_interrupt_is_no_traceback(monkeypatch, capsys, tmp_path):
    def interrupt(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "run", interrupt)
    assert study.main(["run", "--profile", "smoke", "--results", str(tmp_path)]) == 130
    assert "The same command continues" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["run", "--tests", "4"], ["run", "--arms", "both"], ["run", "--penalties", "none"], ["run", "--set", "x"]),
        *(["run", "--set", "better", "--penalties", "mean"], ["table", "--profile", "x"], []),
    ],
)
def test_unknown_choices_are_refused_by_the_parser(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        study.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_the_repositorys_own_records_can_all_be_read():
    counts = study.status()
    assert counts["damaged"] == []
    assert counts["valid"] == sum(run["finished"] + run["failed"] for run in counts["runs"]) >= 66
    for profile, least in {"lesson": 10, "full": 1}.items():
        arms = [run for run in counts["runs"] if run["profile"] == profile]
        assert len(arms) == 6 and all(run["finished"] + run["failed"] >= least for run in arms)
    lesson = [run for run in counts["runs"] if run["profile"] == "lesson"]
    assert sorted((run["test"], run["arm"]) for run in lesson) == sorted(
        (test, arm) for test in (1, 2, 3) for arm in ("plain", "moments")
    )
    assert isinstance(study.load_runs(), pd.DataFrame)
