"""Identity-disjoint folds, gallery and probes, roles of photographs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelib.data.archive import FaceArchive
from facelib.data.protocol import Role, gallery_and_probes, roles_of, rows_of, split_identities
from facelib.errors import BadInput


def archive_of(identity: list[int], angle: list[float]) -> FaceArchive:
    return FaceArchive("small", "print", {"identity": np.array(identity), "angle": np.array(angle)})


@given(count=st.integers(12, 200), folds=st.integers(2, 4), seed=st.integers(0, 99), first=st.integers(0, 9))
def test_folds_are_disjoint_and_evaluate_everybody_once(count: int, folds: int, seed: int, first: int) -> None:
    identities = np.arange(first, first + count)
    splits = [split_identities(identities, fold, folds=folds, seed=seed) for fold in range(folds)]

    for split in splits:
        together = np.concatenate([split.training, split.validation, split.evaluation])
        np.testing.assert_array_equal(np.sort(together), identities)
    np.testing.assert_array_equal(np.sort(np.concatenate([s.evaluation for s in splits])), identities)


@given(st.permutations(range(20)))
def test_folds_do_not_depend_on_the_order_of_identities(order: list[int]) -> None:
    shuffled, sorted_ones = split_identities(np.array(order), 1), split_identities(np.arange(20), 1)

    np.testing.assert_array_equal(shuffled.evaluation, sorted_ones.evaluation)
    np.testing.assert_array_equal(shuffled.validation, sorted_ones.validation)


def test_sizes_of_the_papers_folds() -> None:
    split = split_identities(np.arange(140), 0)

    assert len(split.evaluation) == 47  # a third
    assert (len(split.training), len(split.validation)) == (74, 19)  # a fifth of the other 93 is held out


@pytest.mark.parametrize("fold", [-1, 3])
def test_a_fold_out_of_range_is_refused(fold: int) -> None:
    with pytest.raises(BadInput, match=f"fold is {fold}: expected 0 to 2"):
        split_identities(np.arange(30), fold)


def test_too_few_identities_are_refused() -> None:
    with pytest.raises(BadInput, match="5 identities in 3 folds leave a part with 1"):
        split_identities(np.arange(5), 0)


def test_rows_of_some_identities() -> None:
    archive = archive_of([3, 1, 3, 2], [0.0] * 4)

    assert rows_of(archive, np.array([3, 2])).tolist() == [0, 2, 3]


def test_the_gallery_is_the_most_frontal() -> None:
    archive = archive_of([1] * 4 + [2] * 4 + [3] * 4, [0.5, 0.1, 0.4, 0.2, 0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0])
    gallery, probes = gallery_and_probes(archive, np.array([1, 2]), gallery_size=2)

    assert gallery.tolist() == [1, 3, 4, 5]
    assert probes.tolist() == [0, 2, 6, 7]


def test_five_are_enrolled_as_in_the_paper() -> None:
    gallery, probes = gallery_and_probes(archive_of([7] * 9, [0.1] * 9), np.array([7]))

    assert gallery.tolist() == [0, 1, 2, 3, 4]  # of equals the first
    assert probes.tolist() == [5, 6, 7, 8]


def test_an_identity_without_probes_is_refused() -> None:
    archive = archive_of([1] * 9 + [2] * 5, [0.1] * 14)

    with pytest.raises(BadInput, match="identity 2 has 5 samples: a gallery of 5 leaves no probe"):
        gallery_and_probes(archive, np.array([1, 2]))


def test_rows_with_a_role() -> None:
    archive = FaceArchive("studio", "print", {"role": np.array([2, 0, 1, 2, 0], np.int16)})

    assert roles_of(archive, Role.GALLERY).tolist() == [1, 4]
    assert roles_of(archive, Role.FRONTAL_PROBE).tolist() == [2]
    assert roles_of(archive, Role.POSE_PROBE).tolist() == [0, 3]
    with pytest.raises(BadInput, match="data set studio has no photograph with the role TRAINING"):
        roles_of(archive, Role.TRAINING)


def test_a_data_set_without_roles_is_refused() -> None:
    with pytest.raises(BadInput, match="data set small has no roles: split its photographs with gallery_and_probes"):
        roles_of(archive_of([1], [0.0]), Role.GALLERY)
