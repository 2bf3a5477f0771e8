"""Ours beside the printed numbers, as data frame and in files: rates of folds, and errors in three units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_records import commit, make_face_record, make_record, use_made_runs

from facelib.errors import MissingPart, UnknownName
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.msma import PAPER as MSMA
from facelib.papers.published import published_tables
from facelib.papers.sadrnet import methods as of_faces
from facelib.report import intervals, records
from facelib.report.intervals import Estimates, keep_estimates, open_estimates
from facelib.report.markup import to_latex, to_markdown
from facelib.report.records import TierRuns, keep_records, open_runs
from facelib.report.tables import (
    caption,
    comparison,
    epoch_rule,
    readable,
    systems,
    table_as_markdown,
    write_tables,
)
from facelib.runs.records import Record, read_record, write_record
from facelib.storage import write_checked

PAPER, FACES = "joint_attention", "sadrnet"
POOLED, PROFILE = "tar_at_far_1pct", "tar_at_far_1pct/90+"
ARL_POOLED = "arl_vtf.tar_at_far_1pct"
BY_FOLD = {"ir18": (0.25, 0.30, 0.41), "jam": (0.5, 0.5, 0.5), "jam_je": (0.1, 0.2, 0.9)}
SKILLS = {"sadrnet": 1.0, "no_mesh_loss": 1.0, "mean_face": 0.3, "direct_attention": 1.1}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", 60)


@pytest.fixture
def three_folds() -> None:
    for method, values in BY_FOLD.items():
        for fold, value in enumerate(values):
            make_record(method, fold, **{PROFILE: value})


@pytest.fixture
def faces() -> None:
    """A run of every method of paper 3."""
    for name in of_faces.METHODS:
        make_face_record(name, skill=SKILLS.get(name, 0.9), size_mb=50.0 if name == "no_attention" else 59.0)


def opened(paper: str = PAPER, tier: str = "smoke") -> Estimates:
    return open_estimates(open_runs(paper, tier))


def lines_of(table: str, paper: str = PAPER, tier: str = "smoke") -> pd.DataFrame:
    return comparison(opened(paper, tier), table)


def shown(table: str, paper: str = PAPER) -> pd.DataFrame:
    return readable(open_runs(paper, "smoke"), table, lines_of(table, paper))


def line(table: pd.DataFrame, method: str, origin: str) -> pd.Series:
    found = table[(table["method"] == method) & (table["origin"] == origin)]
    assert len(found) == 1
    return found.iloc[0]


def test_mean_and_deviation_over_folds_in_percent(three_folds: None) -> None:
    backbones, adapted = lines_of("2"), lines_of("1")

    assert line(backbones, "IR-18", "ours")[PROFILE] == pytest.approx(32.0)  # (25 + 30 + 41) / 3
    # sqrt((49 + 4 + 81) / 2)
    assert line(backbones, "IR-18", "ours")[f"sd {PROFILE}"] == pytest.approx(8.18535277)
    assert line(adapted, "JAM", "ours")[f"sd {PROFILE}"] == 0
    assert set(adapted["folds"]) == {3}


def trained(record: Record) -> None:
    """Let a made record be one of a network that was trained."""
    write_record(record.run.record, replace(record, history=[{"losses": {}}]))


def test_several_starts_are_one_fold() -> None:
    for seed, value in enumerate((0.2, 0.4)):
        trained(make_record("jam", seed=seed, **{PROFILE: value}))
    ours = line(lines_of("1"), "JAM", "ours")

    assert ours[PROFILE] == pytest.approx(30)
    assert (ours["folds"], ours["starts"]) == (1, 2)
    text = shown("1")
    assert line(text, "JAM", "ours")["starts"] == "2"
    assert line(text, "JAM", "printed")["starts"] == ""  # the paper does not say
    assert "± is the standard deviation over training starts" in caption(open_runs(PAPER, "smoke"), "1")


def test_starts_are_shown_where_a_line_has_several(three_folds: None) -> None:
    for record in [*open_runs(PAPER, "smoke").records("jam"), *open_runs(PAPER, "smoke").records("jam_je")]:
        trained(record)
    assert "starts" not in shown("1")
    assert line(lines_of("1"), "JAM", "ours")["starts"] == 1
    assert "± is the standard deviation over folds;" in caption(open_runs(PAPER, "smoke"), "1")

    trained(make_record("jam", seed=1))
    text = shown("1")
    assert [line(text, method, "ours")["starts"] for method in ("JAM", "JAM + JE")] == ["2", "1"]
    assert "± is the standard deviation over folds and training starts;" in caption(open_runs(PAPER, "smoke"), "1")


def test_what_was_not_trained_has_no_training_start() -> None:
    trained(make_face_record("sadrnet"))
    make_face_record("mean_face")
    table = lines_of("2", FACES)

    assert pd.isna(line(table, "Mean face, true box (ours, not in the paper)", "ours")["starts"])
    assert line(table, "SADRNet", "ours")["starts"] == 1


def test_printed_rows_stand_below_ours_in_the_papers_order(three_folds: None) -> None:
    make_record("jam_je_aligned")
    table = lines_of("1")
    printed = table[table["origin"] == "printed"]

    assert len(printed) == 11
    assert printed["method"].iloc[0] == "CrossPoint"
    ours_alone = "JAM + JE, aligned pairs (ours, not in the paper)"
    assert table["method"].tolist()[9:] == ["JAM + JE", "JAM + JE", "JAM", "JAM", ours_alone]
    assert table["origin"].tolist()[9:] == ["ours", "printed", "ours", "printed", "ours"]
    assert line(table, "JAM + JE", "printed")[PROFILE] == 78.910
    assert line(lines_of("2"), "IR-18", "printed")[POOLED] == 78.377


def test_the_second_data_set_has_its_own_metrics(three_folds: None) -> None:
    table, text = lines_of("3"), shown("3")

    assert line(table, "JAM", "printed")[f"{ARL_POOLED}/average"] == 66.353
    values = [record.metrics[ARL_POOLED]["value"] for record in open_runs(PAPER, "smoke").records("jam")]
    assert line(table, "JAM", "ours")[ARL_POOLED] == pytest.approx(100 * sum(values) / 3)
    columns = ["method", "origin", "folds", "pose", "frontal", "average", "AUC", "EER", "pooled"]
    assert list(text.columns) == columns, list(text.columns)
    assert text[text["method"] == "Poster et al."]["origin"].tolist() == ["printed"]
    assert "IR-18 (ours, not in this table)" in text["method"].tolist()


def test_intervals_and_the_difference_to_the_reference(three_folds: None) -> None:
    estimates = opened()
    jam, reference = (line(comparison(estimates, "1"), name, "ours") for name in ("JAM", "JAM + JE"))
    own = estimates.combine(((1.0, "jam", POOLED),))
    gap = estimates.combine(((1.0, "jam", POOLED), (-1.0, "jam_je", POOLED)))

    assert jam["reference"] == "JAM + JE"
    for column, value in {f"low {POOLED}": own.low, f"high {POOLED}": own.high}.items():
        assert jam[column] == pytest.approx(100 * value)
    assert jam[f"difference {POOLED}"] == pytest.approx(100 * gap.value)
    assert jam[f"difference low {POOLED}"] == pytest.approx(100 * gap.low)
    assert pd.isna(reference[f"difference {POOLED}"])
    assert 0 <= jam["rank1"] <= 100


def test_marks_of_significance_and_references_by_input() -> None:
    for method, skill in {"ir18": 1.0, "vgg16": 0.4, "resnet18": 2.5, "pointnet2": 1.0, "dgcnn": 0.4}.items():
        make_record(method, people=12, skill=skill)
    table = lines_of("2")
    pooled = shown("2").set_index(["method", "origin"])["TAR@1%FAR"]

    assert pooled["VGG-16", "ours"].endswith("] ↓")
    assert pooled["ResNet-18", "ours"].endswith("] ↑")
    assert pooled["DGCNN", "ours"].endswith("] ↓")
    assert pooled["IR-18", "ours"].endswith("]")
    assert line(table, "DGCNN", "ours")["reference"] == "PointNet++"
    assert line(table, "VGG-16", "ours")["reference"] == "IR-18"
    assert pooled["VGG-16", "printed"] == "56.1"


def test_one_fold_has_no_deviation(faces: None) -> None:
    for method in BY_FOLD:
        make_record(method)

    for paper in (PAPER, FACES):
        assert not [column for column in lines_of("1", paper).columns if column.startswith("sd ")]
        assert "±" not in table_as_markdown(opened(paper), "1").partition("\n")[2]
    assert set(lines_of("1", FACES)["folds"]) == {1}
    assert "folds" not in shown("1", FACES)  # the paper has one


def test_readable_numbers(three_folds: None) -> None:
    text = shown("2")

    assert text[text["method"] == "IR-18"]["90+°"].tolist() == ["32.0 ± 8.2", "69.9"]
    assert list(text.columns) == [
        *("method", "origin", "folds", "0-10°", "10-30°", "30-60°", "60-90°", "90+°", "TAR@1%FAR", "AUC", "EER")
    ]


def test_markdown(three_folds: None) -> None:
    lines = to_markdown(shown("1"), caption(open_runs(PAPER, "smoke"), "1"), ["a note"]).splitlines()

    assert lines[0].startswith("Table I: ")
    assert "smoke tier" in lines[0]
    assert "not comparable" in lines[0]
    assert lines[2].startswith("| method | origin | folds | 0-10° |")
    assert len(lines[4:-2]) == 11 + 2
    assert {one.count("|") for one in lines[2:-2]} == {12}
    assert lines[-2:] == ["", "- a note"]


def test_latex(three_folds: None) -> None:
    text = to_latex(shown("2"), caption(open_runs(PAPER, "smoke"), "2"))

    assert r"32.0 $\pm$ 8.2" in text
    assert r"TAR@1\%FAR" in text
    assert r"\begin{tabular}{llrrrrrrrrr}" in text
    assert text.count(r" \\") == 1 + 9 + 1
    assert text.isascii()
    assert r"90+$^\circ$" in text
    assert r"$\uparrow$" in text


def test_files(three_folds: None, faces: None, tmp_path: Path) -> None:
    for paper, numbers in ((PAPER, [*"123"]), (FACES, [*"12345", "shape", "ict"])):
        folder = tmp_path / paper
        tables = write_tables(opened(paper), folder)

        expected = {f"table_{number}.{ending}" for number in numbers for ending in ("csv", "md", "tex")}
        assert {path.name for path in folder.iterdir()} == expected
        assert list(tables) == numbers
        assert all((folder / f"table_{number}.tex").read_text().isascii() for number in numbers)
        assert "smoke tier" in (folder / "table_1.csv").read_text().splitlines()[0]
    read = pd.read_csv(tmp_path / PAPER / "table_2.csv", comment="#")
    assert line(read, "IR-18", "ours")[PROFILE] == 32
    assert pd.read_csv(tmp_path / FACES / "table_3.csv", comment="#")["folds"].eq(1).all()


def test_a_method_without_a_run_keeps_its_printed_line_and_names_its_command() -> None:
    make_record("jam")
    table, found = lines_of("1"), open_runs(PAPER, "smoke")
    notes = found.missing(found.paper.tabulated("1"))

    assert table[table["origin"] == "ours"]["method"].tolist() == ["JAM"]
    assert not [column for column in table if column.startswith("difference")]  # the reference has no run either
    assert len(notes) == len(found.paper.tabulated("1")) - 1
    assert "JAM + JE: no run, `facelib run joint_attention jam_je --fold 0 --tier smoke`" in notes
    # A table of which nothing has run shows what is printed, as long as another one has a run.
    assert set(lines_of("2")["origin"]) == {"printed"}


def test_a_tier_without_runs_says_how_to_make_them() -> None:
    make_record("ir18")

    with pytest.raises(MissingPart, match=r"no run of joint_attention at the laptop tier.*facelib reproduce --paper"):
        lines_of("1", tier="laptop")
    with pytest.raises(MissingPart, match="facelib run joint_attention ir18 --fold 0 --tier laptop"):
        open_runs(PAPER, "laptop").require(["ir18"])
    assert open_runs(PAPER, "laptop").records("ir18") == []


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="unknown paper 'joint'"):
        open_runs("joint", "smoke")
    with pytest.raises(UnknownName, match="unknown tier 'lab'"):
        open_runs(PAPER, "lab")
    with pytest.raises(UnknownName, match="unknown table of joint_attention '4': expected one of 1, 2, 3"):
        lines_of("4")


def test_a_metric_that_a_record_lacks_leaves_its_cell_empty() -> None:
    record = make_record("jam")
    less = {name: metric for name, metric in record.metrics.items() if name != "auc"}
    write_record(record.run.record, replace(record, metrics=less))
    table = lines_of("1")

    own = line(table, "JAM", "ours")
    assert "auc" not in own or pd.isna(own["auc"])
    assert pd.notna(own[PROFILE])


def test_systems_are_described() -> None:
    described = systems(PAPER)

    assert list(described.columns) == ["evaluated on", "backbone", "clouds from", "terms", "tables"]
    assert described.loc["PointNet++"].tolist() == ["clouds", "pointnet2", "", "", "2"]
    assert described.loc["JAM + JE"].tolist() == ["images", "ir18", "pointnet2", "jam, je", "1, 3"]
    assert described.loc["IR-18", "tables"] == "2; ours: 3"
    assert len(described) == len(open_runs(PAPER, "smoke").paper.tabulated())
    assert systems(FACES).loc["SADRNet", "tables"] == "1, 2, 3, 4, 5; ours: shape, ict"


def test_records_come_by_fold_and_runs_set_aside_do_not_count() -> None:
    for fold in (2, 0, 1):
        make_record("jam", fold)
    make_record("jam_je")  # another method, though its name begins alike
    folder = make_record("jam", 1).run.folder
    folder.rename(folder.with_name(f"superseded-{folder.name}-1"))

    assert [record.fold for record in open_runs(PAPER, "smoke").records("jam")] == [0, 2]


def test_pretrainings_stand_in_no_table() -> None:
    paper = open_runs(PAPER, "smoke").paper
    everything = paper.tabulated()

    assert set(METHODS) - set(everything) == {name for name in METHODS if name.startswith("pretrain_")}
    assert paper.tabulated("2") == [n for n in everything if "2" in dict(METHODS[n].printed_rows)]
    assert len(paper.tabulated("1")) == 17


# Runs of other machines, and of other settings


def test_what_all_runs_share_is_said_once_and_what_one_differs_in_beside_its_name() -> None:
    records_made = [make_record(method, tier="laptop") for method in ("jam", "jam_je", "ir18")]
    assert open_runs(PAPER, "laptop").shared_mark == ""
    for record in records_made:
        commit(record)
    every = open_runs(PAPER, "laptop")

    assert every.shared_mark == "as committed"
    assert [every.label(name) for name in ("jam", "ir18")] == ["JAM", "IR-18"]
    assert "Rows 'ours': embedded faces, laptop tier: reduced sizes; as committed." in caption(every, "1")
    make_record("jam", tier="laptop", changes={"training.epochs": 3})
    (changed_stays_aside,) = open_runs(PAPER, "laptop").standing["jam"]
    assert changed_stays_aside.state == "committed"  # a run as the tier has it comes first
    make_record("jam", tier="laptop")
    some = open_runs(PAPER, "laptop")
    assert some.shared_mark == ""
    assert [some.label(name) for name in ("jam", "jam_je")] == ["JAM", "JAM + JE (as committed)"]
    assert "as committed" not in caption(some, "1")
    assert line(lines_of("1", tier="laptop"), "JAM + JE (as committed)", "ours")["run"] == "as committed"
    assert list(some.local_records(["jam", "jam_je"])) == ["JAM"]


def test_changed_settings_stand_beside_the_name() -> None:
    make_record("jam", changes={"training.epochs": 3, "network.width": 0.25}), make_record("jam_je")
    table = lines_of("1")

    label = "JAM (training.epochs=3, network.width=0.25)"
    assert line(table, label, "ours")["run"] == "training.epochs=3, network.width=0.25"
    assert line(table, "JAM + JE", "ours")["run"] == ""
    assert label in table_as_markdown(opened(), "1")


def test_an_outdated_run_is_shown_as_such() -> None:
    make_record("jam_je")
    make_record("jam").run.weights.unlink()

    assert open_runs(PAPER, "smoke").label("jam") == "JAM (outdated)"
    assert list(open_runs(PAPER, "smoke").local_records(["jam"])) == ["JAM (outdated)"]


def test_a_run_of_this_machine_is_not_subtracted_from_a_committed_one() -> None:
    made = [make_record(method, tier="laptop") for method in ("jam", "jam_je")]
    estimates = opened(tier="laptop")
    own = line(comparison(estimates, "1"), "JAM", "ours")
    for record in made:
        commit(record)
    keep_estimates(estimates)
    committed = line(lines_of("1", tier="laptop"), "JAM", "ours")
    make_record("jam", tier="laptop", skill=2.0)
    mixed = line(lines_of("1", tier="laptop"), "JAM", "ours")

    shown_columns = [f"{what} {POOLED}" for what in ("low", "high", "difference", "difference low", "difference high")]
    assert committed[shown_columns].tolist() == own[shown_columns].tolist()
    assert committed[POOLED] == own[POOLED]
    assert mixed[POOLED] > own[POOLED]
    assert not {"reference", *shown_columns[2:]} & set(mixed.index)
    assert mixed[f"low {POOLED}"] != own[f"low {POOLED}"]


def test_an_interval_of_other_folds_than_the_records_is_left_out() -> None:
    record = make_record("jam", tier="laptop")
    estimates = opened(tier="laptop")
    comparison(estimates, "1")
    commit(record)
    keep_estimates(estimates)
    commit(make_record("jam", 1, tier="laptop"))
    ours = line(lines_of("1", tier="laptop"), "JAM", "ours")

    assert ours["folds"] == 2
    assert f"low {POOLED}" not in ours


def test_current_records_are_kept_beside_the_tables_but_for_the_smoke_tier() -> None:
    for tier in ("smoke", "laptop"):
        for fold in (0, 2):
            make_record("jam", fold=fold, tier=tier)
    make_record("jam", seed=1, tier="laptop")
    make_record("jam_je", tier="laptop", changes={"training.epochs": 3})
    make_record("ir18", tier="laptop").run.weights.unlink()
    for pretraining, size in (("pretrain_ir18", 8_000_000), ("pretrain_resnet50", 8_000_001)):
        write_checked(make_record(pretraining, tier="laptop").run.weights, bytes(size))
    folder = records.figures_folder("1_joint_attention", "laptop") / "records"

    assert keep_records(open_runs(PAPER, "smoke")) == 0
    assert not folder.exists()
    assert keep_records(open_runs(PAPER, "laptop")) == 5
    kept = ["jam-fold0.json", "jam-fold0-seed1.json", "jam-fold2.json"]
    kept += ["pretrain_ir18-fold0.json", "pretrain_ir18-fold0.safetensors", "pretrain_ir18-fold0.safetensors.sha256"]
    kept += ["pretrain_resnet50-fold0.json"]  # whose weights are too many
    assert sorted(path.name for path in folder.iterdir()) == sorted(kept)
    assert read_record(folder / "jam-fold2.json") == open_runs(PAPER, "laptop").records("jam")[-1]


def test_the_notes_say_what_could_not_be_judged() -> None:
    """A count of all folds, and what it counts as; nothing of methods without failures."""
    for fold, count in enumerate((2, 3)):
        record = make_record("jam", fold)
        write_record(record.run.record, replace(record, metrics=record.metrics | {"failed": failures(count)}))
    make_record("jam_je")
    record = make_face_record("direct")
    write_record(record.run.record, replace(record, metrics=record.metrics | {"failed": failures(1)}))

    recognition, faces_table = table_as_markdown(opened(), "1"), table_as_markdown(opened(FACES), "1")
    assert "- JAM: 5 samples could not be judged and count as missed\n" in recognition
    label = of_faces.METHODS["direct"].label
    assert f"- {label}: 1 sample could not be judged and counts as the mean face in the true box\n" in faces_table
    assert recognition.count("judged") == faces_table.count("judged") == 1


def failures(count: int) -> dict[str, object]:
    return {"value": count, "unit": "samples"}


def test_the_notes_name_networks_that_answer_with_the_mean_face() -> None:
    """Whose shapes read less than a hundredth of the variance, more or less than none; not the mean face itself."""
    told = {"shared_decoder": 0.0001, "direct_attention": -0.004, "sadrnet": 0.177, "direct": -3.0, "mean_face": 0.0}
    for method, read in told.items():
        record = make_face_record(method)
        metrics = record.metrics | {"shape_read": {"value": read, "unit": "fraction"}}
        write_record(record.run.record, replace(record, metrics=metrics))
    notes = table_as_markdown(opened(FACES), "4")
    for method, read in (("shared_decoder", "0.0%"), ("direct_attention", "-0.4%")):
        label = of_faces.METHODS[method].label
        assert f"- {label}: its shape is the mean face ({read} of the variance read)\n" in notes
    assert notes.count("is the mean face") == 2


def test_the_note_says_which_epoch_was_kept() -> None:
    runs_made = open_runs(PAPER, "smoke")
    record = make_record("jam")

    def rule(**training: object) -> str:
        stage = record.parameters["training"] | training
        kept = replace(record, parameters=record.parameters | {"training": stage}, history=[{"losses": {}}])
        return epoch_rule(runs_made, kept)

    assert epoch_rule(runs_made, record) == ""  # nothing was trained
    assert rule(keep="best") == "the epoch that was best on the validation people"
    assert rule(keep="last", ema_decay=0.0) == "the last epoch"
    assert rule(keep="last", ema_decay=0.99) == "the last epoch (moving average)"


# Errors of three units, one fold, printed cells left empty, a row printed twice


def test_errors_are_shown_in_percent_with_intervals_and_marks(faces: None) -> None:
    estimates, direct = opened(FACES), of_faces.METHODS["direct"].label
    own = estimates.combine(((1.0, "direct", "dense_3d"),))
    gap = estimates.combine(((1.0, "direct", "dense_3d"), (-1.0, "sadrnet", "dense_3d")))
    table, text = lines_of("4", FACES), shown("4", FACES)

    columns = ["dense_3d", "low dense_3d", "high dense_3d", "difference dense_3d"]
    expected = [100 * value for value in (own.value, own.low, own.high, gap.value)]
    assert line(table, direct, "ours")[columns].tolist() == pytest.approx(expected)
    # 10 % worse than SADRNet on nearly the same errors
    spread = f"{100 * own.value:.2f} [{100 * own.low:.2f}, {100 * own.high:.2f}] ↑"
    assert line(text, direct, "ours")["Dense 3D"] == spread
    assert line(text, of_faces.METHODS["direct_attention"].label, "ours")["Sparse 2D"].endswith("↓")
    assert line(text, "SADRNet", "printed")["Dense 3D"] == "4.02"
    assert line(table, "SADRNet", "ours").filter(like="difference").isna().all()


def test_the_caption_says_which_way_is_better(faces: None) -> None:
    above = caption(open_runs(FACES, "smoke"), "1")

    assert "lower is better" in above
    assert "mark errors above and below that of SADRNet, where" in above


def test_what_the_paper_does_not_print_is_an_empty_cell(faces: None) -> None:
    table, text = lines_of("1", FACES), shown("1", FACES)
    (row,) = text[text["method"] == "3DFAN"].to_dict("records")

    assert row["origin"] == "printed"
    assert row["Sparse 2D balanced"] == "3.62"
    assert [row[column] for column in ("Sparse 2D", "Sparse 3D", "Dense 2D", "Dense 3D")] == [""] * 4
    assert "nan" not in table_as_markdown(opened(FACES), "1")
    # Ours that the paper does not print stand in the data, not in the text.
    assert "sparse_3d_unshifted" in table
    assert f"\n- {published_tables(FACES)['2'].note}\n" in table_as_markdown(opened(FACES), "2")
    assert list(text.columns[-4:]) == ["Sparse 2D", "Sparse 3D", "Dense 2D", "Dense 3D"]


def test_a_second_row_of_a_method_has_its_own_metrics(faces: None) -> None:
    record = make_face_record("sadrnet")
    table = lines_of("3", FACES)
    plain, fixed = (line(table, name, "ours") for name in ("SADRNet", "SADRNet-fix"))

    assert plain["pitch_error"] == pytest.approx(record.metrics["pitch_error"]["value"])
    assert fixed["pitch_error"] == pytest.approx(record.metrics["fix.pitch_error"]["value"])
    assert fixed["low pose_error"] < fixed["pose_error"] < plain["pose_error"]
    assert line(table, "SADRNet-fix", "printed")["pitch_error"] == 4.43
    assert "degrees, lower is better" in caption(open_runs(FACES, "smoke"), "3")
    assert pd.isna(fixed["geodesic_error"])


def test_sizes_have_no_interval(faces: None) -> None:
    make_face_record("sadrnet", size_mb=59.082)
    table, above = lines_of("5", FACES), caption(open_runs(FACES, "smoke"), "5")
    size = shown("5", FACES).set_index(["method", "origin"])["Size"]

    assert (size["SADRNet", "ours"], size["VRN", "printed"]) == ("59.1", "1500")
    assert not [column for column in table if column.startswith(("low", "high", "difference"))]
    assert "interval" not in above
    assert ", MB. Rows 'ours': our networks at full size" in above


def test_a_counterpart_stands_below_as_ours(faces: None) -> None:
    table = lines_of("2", FACES)

    assert line(table, "PRN", "printed")["reconstruction"] == 3.96
    assert f"{of_faces.METHODS['direct'].label} (ours, not in this table)" in table["method"].tolist()
    assert f"{of_faces.METHODS['mean_face'].label} (ours, not in the paper)" in table["method"].tolist()


def test_columns_keep_their_order_whichever_method_has_run() -> None:
    make_face_record("sadrnet")
    some = lines_of("4", FACES).columns.tolist()
    for name in of_faces.METHODS:
        make_face_record(name)
    every = lines_of("4", FACES).columns.tolist()

    assert some == [column for column in every if column in some]
    assert every[:7] == ["method", "origin", "run", "folds", "starts", "sparse_2d", "low sparse_2d"]


def test_columns_say_their_unit_where_a_table_has_several() -> None:
    runs = TierRuns(MSMA, "smoke", {})
    values = {"florence": 1.234, "aflw": 5.678, "cases": 2.0}
    lines = pd.DataFrame([{"method": "MSMA", "origin": "ours", "starts": 1} | values])

    mixed = readable(runs, "losses", lines)
    assert mixed.loc[0, ["Florence, all (mm)", "Sparse 2D (percent)"]].tolist() == ["1.23", "5.68"]
    assert "All cases" in readable(runs, "cases", lines)
    assert "(paper 5), mm and percent, lower is better" in caption(runs, "losses")
    assert caption(runs, "1").startswith("Table 1: point-to-plane RMSE on MICC Florence (paper 5), mm, lower")
