"""The methods of paper 1 that run: each is a row of a table, or the pretraining that all of them start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PRETRAINING = "pretrain_ir18"


@dataclass(frozen=True)
class Method:
    """One system.

    Args:
        name: on the command line and in records.
        label: in tables and figures.
        kind: "pretraining", "image" (2D only) or "joint" (trained with clouds, judged on images).
        printed: (table, row) of the paper, or None.
        joint_entropy: whether the joint entropy loss is minimised.
        source: where the paper describes it.
        needs: methods whose run must exist first.
    """

    name: str
    label: str
    kind: Literal["pretraining", "image", "joint"]
    printed: tuple[str, str] | None
    joint_entropy: bool
    source: str
    needs: tuple[str, ...] = ()


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(PRETRAINING, "IR-18, pretrained", "pretraining", None, False, "section IV.B"),
        Method("ir18", "IR-18", "image", ("2", "IRNet-18"), False, "table II, section V.F", (PRETRAINING,)),
        Method("jam", "JAM", "joint", ("1", "Ours + JAM"), False, "section IV.C, eq. 3", (PRETRAINING,)),
        Method("jam_je", "JAM + JE", "joint", ("1", "Ours + JAM + JE"), True, "section IV.E, eq. 6", (PRETRAINING,)),
    )
}
