"""The methods of paper 1: every printed row has one, and each is built as it says."""

from __future__ import annotations

import importlib

import pytest
import torch

from facelib.errors import UnknownName
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.methods import METHODS, PART_MODULES
from facelib.papers.joint_attention.networks import build_cloud_network, build_image_network, build_network, part_module
from facelib.papers.published import published_rows
from facelib.papers.status import code_of


def test_every_printed_row_has_a_method_and_only_poster_has_none() -> None:
    ours = {place for method in METHODS.values() for place in method.printed_rows}
    printed = {(row.table, row.row) for row in published_rows("joint_attention")}

    assert printed - ours == {("3", "Poster et al.")}
    assert {place for place in ours if place[1] is not None} <= printed


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_complete(name: str) -> None:
    method = METHODS[name]

    assert all(importlib.util.find_spec(PART_MODULES[part]) for part in method.parts)
    assert all(needed in METHODS for needed in method.needs)
    assert bool(method.printed_rows) == (method.kind != "pretraining")
    with_clouds = method.clouds is not None
    assert with_clouds == (bool(method.adaptation) and name != "jam_images")
    assert (method.cloud_recogniser is not None) == (with_clouds and bool({"ts", "jam"} & set(method.adaptation)))
    if method.cloud_recogniser:  # it learns from the backbone that it names
        assert METHODS[method.cloud_recogniser].backbone == method.clouds
    size = sum(p.numel() for p in build_network(method, PAPER.run_settings(name, "smoke")).parameters())
    assert 5_000 < size < 2_000_000


def test_networks_have_their_published_size_at_the_papers_tier() -> None:
    settings = PAPER.settings("paper")
    with torch.device("meta"):  # counting needs no memory
        ir18 = build_image_network("ir18", settings.network)
        joint = build_network(METHODS["jam"], settings)
    assert sum(p.numel() for p in ir18.parameters()) == 62_555_520
    assert sum(p.numel() for p in joint.joint_attention.parameters()) == 590_977


def test_a_change_of_vgg_leaves_ir18_alone() -> None:
    assert "facelib.models.vgg" in PAPER.code(METHODS["vgg16"])
    assert "facelib.models.vgg" not in PAPER.code(METHODS["ir18"])
    assert code_of(PAPER, "vgg16") != code_of(PAPER, "ir18")
    assert "facelib.models.resnet" in PAPER.code(METHODS["dream"])


def test_a_methods_own_changes_are_in_its_settings() -> None:
    assert PAPER.run_settings("jam_je_aligned", "laptop").loss.pairs == "aligned"
    assert PAPER.run_settings("jam_je", "laptop").loss.pairs == "all"
    assert PAPER.run_settings("pointnet2_view", "laptop").clouds.pose == "view"
    assert PAPER.run_settings("ir18_margin_printed", "laptop", seed=3).training.seed == 3


def test_the_3d_branch_needs_a_trained_pointnet_where_it_starts_from_one() -> None:
    for tier, expected in (("laptop", True), ("paper", False)):
        for name, needs in (("jam", expected), ("jam_fresh", False), ("jam_images", False), ("ir18_ts", True)):
            settings = PAPER.run_settings(name, tier)
            assert ("pointnet2" in METHODS[name].needed(settings)) == needs, (name, tier)


def test_a_network_that_is_not_fine_tuned_outlives_changes_of_the_training() -> None:
    usual = PAPER.run_settings("ir18_pretrained", "laptop")

    assert usual == PAPER.run_settings("ir18_pretrained", "laptop", changes={"training.learning_rate": 0.1})
    assert usual != PAPER.run_settings("ir18_pretrained", "laptop", changes={"facescape.pool": 3})


def test_the_paper_tier_ends_by_early_stopping_alone_and_the_others_keep_the_last_epoch() -> None:
    paper, laptop = PAPER.settings("paper").training, PAPER.settings("laptop").training

    assert (paper.keep, paper.patience, paper.min_epochs) == ("best", 9, 10)
    assert paper.epochs > 1000
    assert {PAPER.settings(tier).training.keep for tier in ("smoke", "laptop", "gpu")} == {"last"}
    assert {PAPER.settings(tier).scratch.keep for tier in ("smoke", "laptop", "gpu")} == {"last"}
    assert laptop.epochs == 8


def test_a_pretraining_does_not_depend_on_later_stages() -> None:
    usual = PAPER.run_settings("pretrain_ir18", "laptop")

    assert usual == PAPER.run_settings("pretrain_ir18", "laptop", changes={"training.epochs": 3, "clouds.points": 64})
    assert usual != PAPER.run_settings("pretrain_ir18", "laptop", changes={"network.width": 0.5})


def test_unknown_backbones_and_parts_are_named() -> None:
    settings = PAPER.settings("smoke")
    with pytest.raises(UnknownName, match=r"image backbone 'vgg19'.*vgg16"):
        build_image_network("vgg19", settings.network)
    with pytest.raises(UnknownName, match="cloud backbone 'pointnet3'"):
        build_cloud_network("pointnet3", settings)
    with pytest.raises(UnknownName, match="part 'mdm'"):
        part_module("mdm")
