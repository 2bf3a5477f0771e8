"""What can be left out of the photographs of the stream, to see what it buys: one training each without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from facelib.data.embedded import PeopleStreamSettings
from facelib.errors import unknown_name


def _scene(**changes: object) -> Callable[[PeopleStreamSettings], PeopleStreamSettings]:
    return lambda stream: replace(stream, scene=replace(stream.scene, **changes))  # type: ignore[arg-type]


def _style(**changes: object) -> Callable[[PeopleStreamSettings], PeopleStreamSettings]:
    return lambda stream: replace(stream, style=replace(stream.style, **changes))  # type: ignore[arg-type]


def _nothing_covers(stream: PeopleStreamSettings) -> PeopleStreamSettings:
    return replace(stream, worn_share=0.0, occlusion=replace(stream.occlusion, probability=0.0))


LEFT_OUT: dict[str, Callable[[PeopleStreamSettings], PeopleStreamSettings]] = {
    "surroundings": lambda stream: replace(stream, dressed=False),  # hair, beard, teeth, neck and shoulders
    "occluders": _nothing_covers,
    "background": _scene(background="plain"),
    "light": _scene(light_variation=0.0),
    "blur": _scene(blur=0.0),
    "noise": _scene(noise=0.0),
    "skin": _style(mottling=0.0, shine=0.0),
    "colour": _style(contrast=0.0, saturation=(1.0, 1.0), grey=0.0),
    "jpeg": _style(jpeg=0),
}


def without(stream: PeopleStreamSettings, names: Sequence[str]) -> PeopleStreamSettings:
    """The stream with these left out.

    Args:
        stream: with everything.
        names: keys of `LEFT_OUT`.

    Raises:
        UnknownName: for another name.
    """
    for name in names:
        if name not in LEFT_OUT:
            raise unknown_name("part of the photographs' look", name, tuple(LEFT_OUT))
        stream = LEFT_OUT[name](stream)
    return stream
