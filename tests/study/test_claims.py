"""The verdict table: what it makes of the records, of records to come, and of none."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from study import claims, first_edition, intervals, landmarks, verdicts
from study.claims import Claim
from study.experiment import NETWORKS, Experiment
from study.plans import SETS
from study.settings import RECORDED, ROOT

RATES = (0.01, 0.001, 0.0001)


@pytest.fixture(scope="module")
def runs():
    return claims.load()


def planned(names, score):
    """Runs of planned sets as `claims.load` returns them, their FD as `score` has it of an experiment; KID a tenth."""
    rows = []
    for experiment in (run for name in names for run in SETS[name].experiments()):
        fd = score(experiment) * (1 + 0.01 * np.sin(7 * experiment.seed + len(experiment.arm)))
        fields = ("profile", "network", "learning_rate", "arm", "seed")
        row = {field: getattr(experiment, field) for field in fields}
        row |= {"status": "finished", "frechet_distance": fd, "kernel_distance": fd / 10, "coverage": 1 / fd}
        rows.append(row | {"label_entropy": 2.0, "reached_at": 3, "reached": fd < claims.REACHED})
    return pd.DataFrame(rows)


def verdicts_of(table, says):
    return table.loc[table["claim"] == says, "new"].tolist()


def test_what_ten_seeds_say_after_one_epoch(runs):
    """The numbers of the sceptic's review, from the runs that are the same as then."""
    lesson = runs[(runs["profile"] == "lesson") & runs["seed"].isin([f"{seed} tensorflow" for seed in range(10)])]
    table = claims.table(lesson, [Claim("closer after one epoch", claims.closer)])
    assert table["new"].tolist() == ["undecided", "held", "undecided"] and (table["n"] == 10).all()
    assert [round(found.value, 2) for found in table["fd"]] == [0.60, 0.86, 0.70]
    assert [round(found.value, 2) for found in table["kid"]] == [0.76, 0.94, 1.05]
    assert table["kid"].iloc[2].text() == "1.05 [0.82, 1.36]" and "disagree" in table["why"].iloc[2]
    assert all(found.low > 0 for found in table["coverage"])
    assert table["old"].iloc[0].startswith("held at each rate (README")
    (row,) = claims.table(lesson, [Claim("collapse", claims.collapse)]).to_dict("records")[-1:]
    assert (row["new"], row["why"]) == ("held", "p = 0.008") and row["other"] == "of 30 pairs 10 escape and 0 fall"


def test_the_end_is_the_mean_of_the_last_five_epochs_and_one_seed_decides_nothing(runs):
    full = runs[(runs["profile"] == "full") & (runs["seed"] == "0 tensorflow")]
    table = claims.table(full, [Claim("closer at the end", claims.closer, profiles=("full",))])
    assert [found.text() for found in table["fd"]] == ["0.82", "0.85", "0.22"]
    assert set(table["new"]) == {"undecided: n = 1"}
    epochs = claims.table(full, [Claim("epochs", claims.sooner, profiles=("full",))])
    assert epochs["other"].tolist() == ["13 → 3", "7 → 4", "> 20 → 6"] and set(epochs["new"]) == {"undecided: n = 1"}
    path = RECORDED / "full" / full.iloc[0]["name"] / "epochs.csv"
    epochs = pd.read_csv(path)
    assert full.iloc[0]["kernel_distance"] == pytest.approx(epochs["kernel_distance"].tail(5).mean())
    below = epochs.loc[epochs["frechet_distance"] < 100, "epoch"]
    assert (full.iloc[0]["reached_at"], full.iloc[0]["reached"]) == (
        (below.iloc[0], True) if len(below) else (20, False)
    )


def test_a_run_judged_at_few_epochs_counts_by_its_last_and_a_failed_one_is_censored(tmp_path):
    (tmp_path / "epochs.csv").write_text("epoch,frechet_distance,coverage\n1,300,0.1\n2,,\n3,90,0.2\n5,80,0.3\n")
    run = {"epochs": 5, "status": "finished"}
    assert claims._over_training(claims._epochs(tmp_path), run) == {"reached_at": 3, "reached": True}
    (tmp_path / "epochs.csv").write_text("epoch,frechet_distance\n" + "".join(f"{k},{200 + k}\n" for k in range(1, 6)))
    assert claims._over_training(claims._epochs(tmp_path), run) == {"frechet_distance": pytest.approx(203)}
    assert claims._over_training(claims._epochs(tmp_path), {**run, "status": "failed"}) == {}


def test_first_epochs_stand_apart_and_have_the_scores_of_that_epoch(runs):
    first = runs[runs["profile"] == "first epoch of map-conv"].set_index("name")
    end = runs[runs["profile"] == "map-conv"].set_index("name")
    name = "lr0.0001-moments0.1-seed0"
    epochs = pd.read_csv(ROOT / "results" / "map-conv" / name / "epochs.csv")
    assert len(first) == len(end) and (first["engine"] == "jax").all()
    assert first.loc[name, "frechet_distance"] == epochs["frechet_distance"][0]
    assert end.loc[name, "frechet_distance"] == pytest.approx(epochs["frechet_distance"].iloc[-1])
    found = claims.table(runs, claims._optimizers())
    assert (found["n"] == 5).all()


def test_verdicts_of_ten_pairs_need_no_bell_curve(runs):
    """Where t may cover less than it says (some KID: A, section 5), flipped signs must give the same verdict.

    Five pairs cannot be asked: their signs give p = 1/16 at best.
    """
    decided = 0
    for claim in claims.CLAIMS:
        if claim.measure is not claims.closer:
            continue
        filled, sides = verdicts.fill(claims.pool(runs, claim.profiles)), (claim.better, claim.worse, claim.network)
        pairs = [verdicts.pairs(filled, *sides, rate) for rate in claim.rates]
        if min(len(one) for one, _ in pairs) < 10:
            continue
        signs, floor = {}, landmarks.load()["floor"]["kernel_distance"]
        for name in verdicts.DISTANCES:
            logs = [verdicts._logs(one, other, name, floor) for one, other in pairs]
            signs[name] = intervals.holm([intervals.sign_flip(x) for x in logs])
        for place, word in enumerate(claims.table(runs, [claim])["new"]):
            if word in (verdicts.HELD, verdicts.FELL):
                decided += 1
                assert all(p[place] < verdicts.CLEAR for p in signs.values()), (claim.says, claim.rates[place])
    assert decided >= 7


def test_of_a_run_that_two_profiles_hold_the_first_counts(runs):
    both = claims.pool(runs, claims.ONE_EPOCH)
    seeds = both[(both["arm"] == "moments") & (both["learning_rate"] == 0.001)]
    assert (seeds["profile"] == "lesson").all() and not seeds["seed"].duplicated().any()
    assert {"variance", "early", "plain"} <= set(both["arm"])


def test_what_the_pages_of_the_tests_show_is_the_verdict_table(runs):
    told = claims.of_the_tests(runs)
    rows = claims.as_text(claims.table(runs))
    rows = rows[rows["where"].str.match("dcgan, (lesson|full): moments to plain")]
    assert list(told) == ["rate", "pairs", "FD", "KID", "plain → moments", "verdict"]
    assert told.index.tolist() == rows["claim"].tolist() and told["verdict"].tolist() == rows["new"].tolist()


def test_every_claim_names_runs_that_are_planned_or_recorded(runs):
    known = {(run.profile, run.network, run.arm) for plan in SETS.values() for run in plan.experiments()}
    known |= set(zip(runs["profile"], runs["network"], runs["arm"], strict=True))
    for claim in claims.CLAIMS:
        for side in (claim.better, claim.worse):
            network, arm = side.split("/") if "/" in side else (claim.network, side)
            assert network in NETWORKS and any((profile, network, arm) in known for profile in claim.profiles), claim
    assert set(first_edition.SAID) <= {claim.says for claim in claims.CLAIMS}


def test_the_table_of_the_records_has_a_verdict_in_every_row_and_reads_without_tensorflow():
    code = "import sys; from study import claims as c; print(c.text(c.table())); assert 'tensorflow' not in sys.modules"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert text.startswith("closer after one epoch (dcgan, lesson: moments to plain)\n    first edition: held")
    assert "withdrawn (" in text and "nan" not in text and max(map(len, text.split("\n"))) < 150


def test_without_runs_there_is_no_verdict(runs):
    table = claims.table(runs[runs["profile"] == "smoke"])
    assert set(table["new"]) == {"no runs", "withdrawn"}
    assert table.columns.tolist() == list(claims.COLUMNS) and len(table) == len(claims.CLAIMS)


def test_the_runs_to_come_are_read_by_the_same_functions():
    def score(run):
        mean, variance = run.arm in ("moments", "mean"), run.arm in ("moments", "variance")
        dense = run.network.startswith("dense") or "no-bn-g" in run.network
        works = (mean if dense else variance) and 1e-4 <= run.learning_rate <= 1e-2
        return 90 if works else 330

    sets = [
        "first-post",
        "map-dense",
        "map-dense-rivals",
        "terms-dense",
        "terms-conv",
        "map-conv",
        "optimizers",
        "small",
    ]
    table = claims.table(planned(sets, score))
    assert verdicts_of(table, "closer at epoch 100")[:2] == ["held"] * 2
    assert verdicts_of(table, "epochs to FD < 100: fewer")[1:3] == ["held"] * 2  # the first is of full length: no runs
    assert verdicts_of(table, "wider range of rates") == ["held", "held"]
    assert verdicts_of(table, "variance alone: wider range of rates than both") == ["undecided"]
    wide = table[table["claim"] == "wider range of rates"].iloc[1]
    assert wide["other"].startswith("decades +2.50, area -") and wide["n"] == 5
    rivals = verdicts_of(table, "wider range of rates than a rival, at its published setting")
    assert rivals == ["undecided", *["held"] * 9]  # the mean alone does as well, in these runs
    terms = table[(table["claim"] == "mean alone closer than variance alone") & table["where"].str.contains("terms")]
    of = terms.groupby(terms["where"].str.split(",").str[0])["new"].agg(set)
    assert len(terms) == 14 and of[of == {"held"}].index.tolist() == [
        "dcgan-no-bn-g",
        "dense-2",
        "dense-2-bn",
        "dense-g-conv-d",
    ]
    assert of[of == {"fell"}].index.tolist() == ["conv-g-dense-d", "dcgan", "dcgan-no-bn-d"]
    which = claims.which_term(table)
    assert tuple(which.loc["dense-2, terms-dense", :].loc["0.001"]) == ("mean", "mean")
    assert tuple(which.loc["dcgan, terms-conv", :].loc["0.0001"]) == ("variance", "variance")
    small = table[table["where"].str.contains("dcgan-w2/")]
    assert small["new"].tolist() == ["held"] * 3 and (small["n"] == 3).all() and small["why"].str.contains("wait").all()


def test_the_range_is_capped_by_the_untrained_generator_of_its_network(runs):
    caps = {network: landmarks.load()[f"untrained {network}"]["frechet_distance"] for network in ("dcgan", "dense-2")}
    table = claims.table(planned(["map-conv"], lambda run: 100 if run.arm == "moments" else 1_000))
    (row,) = table[table["claim"] == "wider range of rates"].iloc[:1].to_dict("records")
    area = np.mean(np.log(100 * (1 + 0.01 * np.sin(7 * np.arange(3) + len("moments"))) / caps["dcgan"]))
    assert f"area {area:+.2f} [" in row["other"] and row["other"].startswith("decades +3.50,")


def test_text_leaves_out_what_is_not_there():
    rows = pd.DataFrame([{"claim": "c", "where": "w", "n": 0, "new": verdicts.NO_RUNS}]).reindex(columns=claims.COLUMNS)
    assert claims.text(rows) == "c (w): no runs"
    name = Experiment(0.01, 0.0, beta_1=0.5).arm, Experiment(0.01, 0.0, discriminator_rate=0.04).arm
    assert name == ("plain+beta0.5", "plain+rates1:4")  # what the claims about optimizers ask for


def test_no_pair_is_made_of_runs_by_two_engines(runs):
    full = runs[runs["profile"] == "full"]
    assert set(full["seed"]) == {"0 tensorflow", *(f"{seed} jax" for seed in (1, 2, 3, 4))}
    apart = full[(full["arm"] == "plain") | (full["seed"] == "0 tensorflow")]
    (row, *_) = claims.table(apart, [Claim("closer", claims.closer, profiles=("full",))]).to_dict("records")
    assert row["n"] == 1 and row["why"].endswith("4 seeds wait for their partner")
