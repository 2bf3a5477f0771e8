"""Ways to damage a file, drawn by chance: a bit, a cut, something put in or wiped out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Way = Callable[[bytes, random.Random], bytes]


def damaged(content: bytes, chance: random.Random, more: Sequence[Way] = ()) -> bytes:
    """Other bytes than these.

    Args:
        content: of the file, not empty.
        chance: where all is drawn from.
        more: ways that are the kind of file's own.
    """
    ways = [flipped, cut, inserted, zeroed, *more]
    while (other := chance.choice(ways)(content, chance)) == content:
        pass
    return other


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def inserted(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) + 1)
    return content[:place] + chance.randbytes(chance.choice((1, 4, 100))) + content[place:]


def zeroed(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    length = min(chance.choice((1, 16, 4096)), len(content) - place)
    return content[:place] + bytes(length) + content[place + length :]
