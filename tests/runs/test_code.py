"""Which definitions a run depends on, and which changes of their source ask for the run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from facelib.errors import UnknownName
from facelib.runs.code import PACKAGE, code_digest, reached

NETWORK = '''"""A network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH = 4
LEFT, RIGHT = 1, 2


@dataclass
class Size:
    height: int = WIDTH


def build(size: Size) -> int:
    """Build it."""
    return helper(np.abs(size.height))


def helper(value: int) -> int:
    total: int = value + LEFT
    return total


def unused() -> int:
    return RIGHT
'''

FILES = {
    "__init__.py": "from house import network\nVERSION = 1",
    "network.py": NETWORK,
    "errors.py": "def complain(): pass",
    "shop/__init__.py": (
        "from house.shop.bread import bake as bake_bread\nfrom house.shop.milk import cool\n"
        "print('open')\n__all__ = ['bake_bread', 'cool']\n"
    ),
    "shop/bread.py": "from .flour import mill\ndef bake(): return mill()\ndef slice(): return bake()",
    "shop/flour.py": "def mill(): return 1",
    "shop/milk.py": "def cool(): return 2",
    "shop/settings.py": "from house.shop.milk import cool\nTIER = cool()",
    "shop/methods.py": "METHODS = 1",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    package = tmp_path / "house"
    for name, source in FILES.items():
        write(package, name, source)
    return package


def write(package: Path, name: str, source: str) -> None:
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text(source)


def of(package: Path, source: str) -> dict[str, tuple[str, ...]]:
    """What `start` of a further module of this source reaches, that module left out."""
    write(package, "main.py", source)
    found = reached(["house.main:start"], package=package)
    return {module.removeprefix("house."): names for module, names in found.items() if module != "house.main"}


def own(package: Path, source: str) -> tuple[str, ...]:
    """What `start` reaches of its own module."""
    write(package, "main.py", source)
    return reached(["house.main:start"], package=package)["house.main"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def unused", "# a comment\n\n\n\ndef unused"),
        ("LEFT, RIGHT = 1, 2", "LEFT,RIGHT=(1,\n 2)  # a comment"),
        ('"""Build it."""', '"""Build it, and\n\n    say more."""'),
        ('    """Build it."""\n', ""),
        ('"""A network."""', ""),
        ("size: Size) -> int", "size) -> float"),
        ("total: int = ", "total = "),
        ("WIDTH = 4", "WIDTH: int = 4\n'''How wide it is.'''"),
        ("return RIGHT", "return LEFT"),
        ("def unused", "def another() -> int:\n    return 1\n\n\ndef unused"),
        ("import numpy as np", "import numpy as np\nimport torch"),
        (
            "WIDTH = 4",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.shop import cool\nWIDTH = 4",
        ),
    ],
)
def test_what_keeps_the_digest(house: Path, old: str, new: str) -> None:
    assert not changed(house, old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value + LEFT", "value - LEFT"),
        ("total", "result"),
        ("WIDTH = 4", "WIDTH = 5"),
        ("height: int", "height: float"),
        ("@dataclass\n", ""),
        ("    height: int = WIDTH", "    height: int = WIDTH\n    depth: int = 1"),
        ("LEFT, RIGHT = 1, 2", "LEFT, RIGHT = 1, 3"),
        ("import numpy as np", "import torch as np"),
        ("RIGHT = 1, 2", "RIGHT = 1, 2\nnp.seterr(all='raise')"),
        ("RIGHT = 1, 2", "RIGHT = 1, 2\nLEFT += 1"),
    ],
)
def test_what_changes_the_digest(house: Path, old: str, new: str) -> None:
    assert changed(house, old, new)


def changed(package: Path, old: str, new: str) -> bool:
    roots = ["house.network:build", "house.network:Size"]
    before = code_digest(roots, package=package)
    assert old in NETWORK
    write(package, "network.py", NETWORK.replace(old, new))
    return code_digest(roots, package=package) != before


def test_a_name_that_stands_for_another_definition_changes_the_digest(house: Path) -> None:
    both = "def start(): return bake(), cool()"
    digests = set()
    for first, second in (("bake", "cool"), ("cool", "bake")):
        write(
            house,
            "main.py",
            f"from house.shop import bake_bread as {first}\nfrom house.shop.milk import cool as {second}\n{both}",
        )
        digests.add(code_digest(["house.main:start"], package=house))

    assert len(digests) == 2


def test_packages_that_pass_names_on_do_not_count_nor_do_their_other_names(house: Path) -> None:
    found = of(house, "from house.shop import bake_bread\ndef start(): return bake_bread()")

    assert found == {"shop.bread": ("bake",), "shop.flour": ("mill",)}


@pytest.mark.parametrize(
    "source",
    [
        "from house.shop.flour import mill\ndef start(): return mill()",
        "from house.shop.flour import mill\nclass start:\n    value = mill()",
        "from house.shop.flour import mill\n@mill\ndef start(): pass",
        "from house.shop.flour import mill\ndef start(x=mill()): pass",
        "from house.shop.flour import mill\ndef start(mill=mill): pass",
        "from house.shop.flour import mill\nstart = [mill for mill in mill()]",
        "from house.shop.flour import mill\ndef start(): return [mill for _ in range(2)]",
        "from house.shop import flour\ndef start(): return flour.mill()",
        "from .shop import flour as f\ndef start(): return f.mill()",
        "import house.shop.flour\ndef start(): return house.shop.flour.mill()",
        "import house.shop.flour as f\ndef start(): return f.mill.__name__",
        "def start():\n    if True:\n        from house.shop.flour import mill\n    return mill()",
        "def start():\n    from house.shop import flour\n    return flour.mill()",
        "def start():\n    import house.shop.flour\n    return lambda: house.shop.flour.mill()",
        "try:\n    from house.shop.flour import mill\nexcept ImportError:\n    mill = None\ndef start(): return mill",
        "from house.shop.flour import mill\nmill()\ndef start(): pass",
        "from house.shop.flour import mill\nTABLE = {}\nTABLE['mill'] = mill\ndef start(): return TABLE",
    ],
)
def test_ways_to_reach_a_function(house: Path, source: str) -> None:
    assert of(house, source) == {"shop.flour": ("mill",)}


@pytest.mark.parametrize(
    "source",
    [
        "from house.shop.flour import mill\ndef start(mill): return mill()",
        "from house.shop.flour import mill\ndef start():\n    mill = 1\n    return lambda: mill",
        "from house.shop.flour import mill\ndef start(): return [mill for mill in range(2)]",
        "from house.shop.flour import mill\ndef start(x: mill) -> mill: return x.mill",
        "from house.shop.flour import mill\ndef other(): return mill()\ndef start(): pass",
        "if TYPE_CHECKING:\n    from house.shop.flour import mill\ndef start(): return mill",
        "import typing\ndef start():\n    if typing.TYPE_CHECKING:\n        from house.shop.flour import mill\n",
        "from house.shop import settings, methods\ndef start(): return settings.TIER, methods",
        "from house.shop.settings import TIER\ndef start(): return TIER",
        "from house.errors import complain\ndef start(): complain()",
        "import house\ndef start(): return house, house.VERSION",
        "import importlib\ndef start(): return importlib.import_module('house.shop.flour').mill()",
    ],
)
def test_what_reaches_nothing(house: Path, source: str) -> None:
    assert of(house, source) == {}


def test_a_module_handed_on_counts_whole(house: Path) -> None:
    found = of(house, "from house.shop import bread\ndef start(f): return f(bread)")

    assert found == {"shop.bread": ("bake", "slice"), "shop.flour": ("mill",)}


def test_the_other_branch_of_type_checking_counts(house: Path) -> None:
    source = "if TYPE_CHECKING:\n    from house.shop import bread as b\nelse:\n    from house.shop import milk as b\n"

    assert of(house, source + "def start(): return b.cool()") == {"shop.milk": ("cool",)}


def test_definitions_that_call_one_another(house: Path) -> None:
    write(house, "even.py", "from house import odd\ndef even(n): return n == 0 or odd.odd(n - 1)")
    write(house, "odd.py", "def odd(n):\n    from house.even import even\n    return odd(1) if n else even(n - 1)")

    assert reached(["house.odd:odd"], package=house) == {"house.even": ("even",), "house.odd": ("odd",)}


def test_state_that_functions_share(house: Path) -> None:
    source = "state = None\ndef set_state():\n    global state\n    state = 1\n"

    assert own(house, source + "start = set_state") == ("set_state", "start", "state")


def test_statements_count_under_every_name_that_they_bind(house: Path) -> None:
    source = "for i in range(2):\n    def f(): return i\nwith open('x') as g: pass\n"

    assert own(house, source + "def start(): return f") == ("f", "i", "start")


def test_roots(house: Path) -> None:
    def modules(root: str) -> dict[str, tuple[str, ...]]:
        return reached([root], package=house)

    assert modules("house.network")["house.network"] == (
        "LEFT",
        "RIGHT",
        "Size",
        "WIDTH",
        "build",
        "helper",
        "unused",
    )
    assert modules("house.network:build") == {"house.network": ("LEFT", "build", "helper")}
    assert modules("house.shop:cool") == {"house.shop.milk": ("cool",)}
    assert modules("house.shop").keys() == {"house.shop", "house.shop.bread", "house.shop.flour", "house.shop.milk"}
    assert reached([], package=house) == {}
    for wrong, hint in (
        ("house.networks", "expected a module's dotted name"),
        ("torch.nn", "expected a module's dotted name"),
        ("house.network:biuld", "did you mean 'build'"),
    ):
        with pytest.raises(UnknownName, match=hint):
            code_digest([wrong], package=house)


def test_the_digest_is_the_same_wherever_the_package_lies(house: Path, tmp_path: Path) -> None:
    before = code_digest(["house.shop", "house.network"], package=house)
    moved = tmp_path / "deep" / "house"
    moved.parent.mkdir()
    house.rename(moved)

    assert code_digest(["house.network", "house.shop"], package=moved) == before


def test_facelib_itself() -> None:
    vgg = reached(["facelib.models.vgg"])
    assert "facelib.models.blocks" in vgg
    assert not vgg.keys() & {"facelib.models.irnet", "facelib.errors", "facelib"}
    assert not [module for module in vgg if module.startswith(("facelib.papers", "facelib.report", "facelib.data"))]

    arl_vtf = reached(["facelib.data.embedded:open_arl_vtf"])
    assert "facelib.data.embedded.arl_vtf" in arl_vtf
    assert not arl_vtf.keys() & {"facelib.data.embedded", "facelib.data.embedded.florence"}

    assert "_forget_helpers" in reached(["facelib.geometry.threads"])["facelib.geometry.threads"]
    code = reached(["facelib.runs.code:code_digest"])
    assert {"EFFECTS", "definitions_of", "_Stripped"} <= set(code["facelib.runs.definitions"])
    assert "reached" not in code["facelib.runs.code"]


def test_the_digest_of_every_module_can_be_made() -> None:
    files = [path.relative_to(PACKAGE).with_suffix("").parts for path in PACKAGE.rglob("*.py")]
    modules = {".".join(["facelib", *parts]).removesuffix(".__init__") for parts in files}

    assert reached(modules).keys() > {"facelib.cli", "facelib.storage", "facelib.papers"}
