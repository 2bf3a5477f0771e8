"""Whatever a user gives is read as a viewer shows it, or refused in one sentence; crops are those of the training."""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facelib.data import photographs
from facelib.data.photographs import FaceBox, Photograph, read_photograph, square_crop
from facelib.errors import BadInput, CorruptFile, FacelibError

RED, GREEN = (255, 0, 0), (0, 255, 0)


def two_colours(mode: str = "RGB") -> Image.Image:
    """6 wide and 4 high, red on the left and green on the right."""
    image = Image.new("RGB", (6, 4), RED)
    image.paste(GREEN, (3, 0, 6, 4))
    return image.convert(mode)


def stored(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("RGB", "a.png"), ("P", "a.png"), ("RGBA", "a.png"), ("RGB", "a.bmp"), ("CMYK", "a.tif"), ("RGB", "a.ppm"),
        ("P", "a.gif"), ("RGB", "wrong_ending.jpg.png"),
    ],
)  # fmt: skip
def test_every_kind_of_image_gives_the_same_colours(tmp_path: Path, mode: str, name: str) -> None:
    pixels = read_photograph(stored(two_colours(mode), tmp_path / name)).pixels

    assert pixels.shape == (3, 4, 6)
    assert pixels.dtype == torch.float32
    assert pixels[:, 1, 0].tolist() == pytest.approx([1, 0, 0], abs=0.01)
    assert pixels[:, 1, 5].tolist() == pytest.approx([0, 1, 0], abs=0.01)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_images(tmp_path: Path, name: str) -> None:
    image = two_colours().resize((96, 64), Image.Resampling.NEAREST)
    pixels = read_photograph(stored(image, tmp_path / name, quality=95)).pixels

    assert pixels[:, 30, 10].tolist() == pytest.approx([1, 0, 0], abs=0.05)
    assert pixels[:, 30, 85].tolist() == pytest.approx([0, 1, 0], abs=0.05)


def test_grey_of_8_and_16_bits(tmp_path: Path) -> None:
    deep = np.array([[0, 12345], [40000, 65535]], dtype=np.uint16)
    shallow = (deep // 257).astype(np.uint8)
    from_deep = read_photograph(stored(Image.fromarray(deep), tmp_path / "deep.png")).pixels
    from_shallow = read_photograph(stored(Image.fromarray(shallow), tmp_path / "shallow.png")).pixels

    np.testing.assert_allclose(from_deep.numpy(), np.broadcast_to(deep / 65535, (3, 2, 2)), atol=1e-6)
    np.testing.assert_allclose(from_shallow.numpy(), np.broadcast_to(shallow / 255, (3, 2, 2)), atol=1e-6)


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 51))  # a fifth of it covers
    pixels = read_photograph(stored(image, tmp_path / "a.png")).pixels

    assert pixels[:, 0, 0].tolist() == [1, 1, 1]
    assert pixels[:, 0, 1].tolist() == pytest.approx([1, 0.8, 0.8], abs=0.01)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (3, 5)), (6, (0, 3)), (8, (5, 0)), (2, (0, 5))])
def test_the_orientation_of_the_camera_is_followed(tmp_path: Path, orientation: int, corner: tuple[int, int]) -> None:
    """A black pixel at the upper left of the file is found where viewers show it."""
    image = Image.new("RGB", (6, 4), "white")
    image.putpixel((0, 0), (0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = read_photograph(stored(image, tmp_path / "a.png", exif=exif)).pixels

    assert pixels.shape[1:] == ((4, 6) if orientation < 5 else (6, 4))
    assert (pixels[0] == 0).nonzero().tolist() == [list(corner)]


def test_an_animation_gives_its_first_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in (RED, GREEN)]
    path = stored(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])

    assert read_photograph(path).pixels[:, 2, 2].tolist() == pytest.approx([1, 0, 0], abs=0.01)


def test_what_is_no_photograph_is_refused_by_name(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "JPEG")
    contents = {"empty.png": b"", "text.jpg": b"no image at all", "cut.jpg": whole.getvalue()[:900]}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "script.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")

    with pytest.raises(CorruptFile, match=r"empty\.png is empty: copy or download"):
        read_photograph(tmp_path / "empty.png")
    with pytest.raises(CorruptFile, match=r"text\.jpg is no image that can be read: expected JPEG, PNG"):
        read_photograph(tmp_path / "text.jpg")
    with pytest.raises(CorruptFile, match=r"script\.eps is no image"):
        read_photograph(tmp_path / "script.eps")
    with pytest.raises(CorruptFile, match=r"cut\.jpg is damaged .*truncated"):
        read_photograph(tmp_path / "cut.jpg")
    with pytest.raises(BadInput, match=r"there is no file .*missing\.png"):
        read_photograph(tmp_path / "missing.png")
    with pytest.raises(BadInput, match="there is no file"):
        read_photograph(tmp_path)
    with pytest.raises(BadInput, match="floating-point values"):
        read_photograph(stored(Image.new("F", (3, 3), 0.5), tmp_path / "float.tif"))
    with pytest.raises(BadInput, match="beyond 16 bits"):
        read_photograph(stored(Image.new("I", (3, 3), 70000), tmp_path / "deep.tif"))


@pytest.fixture(scope="module")
def sound_files() -> dict[str, bytes]:
    noise = Image.effect_noise((24, 20), 60).convert("RGB")
    files = {}
    for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        buffer = io.BytesIO()
        noise.save(buffer, kind)
        files[kind] = buffer.getvalue()
    return files


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(
    sound_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(sound_files[data.draw(st.sampled_from(sorted(sound_files)))])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6)):
        content[place % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))

    with contextlib.suppress(FacelibError):
        pixels = read_photograph(path).pixels
        assert 0 <= pixels.min() <= pixels.max() <= 1


def test_the_size_is_known_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG whose header promises 81 million pixels, and one that promises 10^10."""
    monkeypatch.setattr("PIL.Image.Image.load", lambda image: pytest.fail("decoded"))
    for side, message in ((9000, "9000 x 9000 pixels, above 40 million"), (100_000, "too large")):
        header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + bytes(4))
        with pytest.raises(BadInput, match=message):
            read_photograph(tmp_path / "bomb.png")


def test_a_large_jpeg_is_reduced_and_keeps_its_pixels_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = two_colours().resize((192, 128), Image.Resampling.NEAREST)
    path = stored(image, tmp_path / "a.jpg", quality=98)
    monkeypatch.setattr(photographs, "KEPT", 96 * 64)
    small = read_photograph(path)
    half = square_crop(small, FaceBox(64, 32, 128, 96), 32, enlarge=1.0)

    assert small.pixels.shape == (3, 64, 96)
    assert (small.reduction, small.width, small.height) == (2.0, 192.0, 128.0)
    assert small.colours_at(torch.tensor([[80.0, 60.0], [112.0, 60.0]])).tolist() == [
        pytest.approx([1, 0, 0], abs=0.05),
        pytest.approx([0, 1, 0], abs=0.05),
    ]
    assert half.image[0, 16, 4] > 0.9  # left of the middle, as in the file
    assert half.image[1, 16, 28] > 0.9
    assert (half.scale, half.offset) == (2.0, (64.0, 32.0))


def test_other_large_photographs_are_reduced_after_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Means of 4 x 4 pixels, whatever the file holds."""
    monkeypatch.setattr(photographs, "KEPT", 24 * 16)
    values = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    means = values.reshape(16, 4, 24, 4, 3).mean(axis=(1, 3)).transpose(2, 0, 1) / 255
    colours = Image.fromarray(values)
    half = np.full((64, 96, 1), 128, np.uint8)
    deep = Image.fromarray(values[..., 0].astype(np.uint16) * 257)
    expected = {
        "png": (colours, means),
        "webp": (colours, means),
        "transparent.png": (Image.fromarray(np.concatenate((values, half), axis=2)), 1 - (1 - means) * 128 / 255),
        "palette.png": (colours.quantize(16), None),
        "deep.png": (deep, np.broadcast_to(means[:1], (3, 16, 24))),
    }
    for name, (image, pixels) in expected.items():
        how = {"lossless": True} if name == "webp" else {}
        found = read_photograph(stored(image, tmp_path / f"a.{name}", **how))
        assert (found.pixels.shape, found.reduction, found.width) == ((3, 16, 24), 4.0, 96.0)
        if pixels is not None:
            np.testing.assert_allclose(found.pixels.numpy(), pixels, atol=0.01, err_msg=name)


@pytest.mark.skipif(sys.platform != "linux", reason="reads a peak from /proc")
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_the_largest_photograph_takes_as_much_memory_as_is_said(tmp_path: Path, name: str) -> None:
    path = stored(Image.new("RGB", (7200, 5400), RED), tmp_path / name)
    program = (
        "import re, sys; from pathlib import Path; from facelib.data.photographs import read_photograph\n"
        "import PIL.Image; PIL.Image.init()\n"
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) / 2**10\n"
        "before = peak(); read_photograph(Path(sys.argv[1])); print(peak() - before)"
    )
    called = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert float(called.stdout) < 400


def test_too_few_pixels_are_refused() -> None:
    with pytest.raises(BadInput, match="the photograph has 1 x 1 pixels: expected at least 16 a side"):
        square_crop(Photograph(torch.ones(3, 1, 1)), FaceBox(0, 0, 20, 20), 32)
    with pytest.raises(BadInput, match=r"the box 3,3,30,9 .* has a side below 16 pixels"):
        square_crop(Photograph(torch.ones(3, 40, 40)), FaceBox(3, 3, 30, 9), 32)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((1, 2, 1, 5), "1,2,1,5 is empty: expected left < right"),
        ((5, 2, 1, 5), "5,2,1,5 is empty"),
        ((1, float("nan"), 3, 5), "1,nan,3,5 is not finite"),
        ((1, 2, float("inf"), 5), "not finite"),
    ],
)
def test_boxes_without_area(corners: tuple[float, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        FaceBox(*corners)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ((60, 5, 70, 9), "60,5,70,9 .* lies outside the photograph of 50 x 40 pixels"),
        ((-9, -9, 0, 5), "lies outside"),
        ((0, 40, 9, 49), "lies outside"),
        ((-1000, -1000, 1000, 1000), "far larger than the photograph of 50 x 40"),
    ],
)
def test_boxes_beyond_the_photograph(corners: tuple[float, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        square_crop(Photograph(torch.rand(3, 40, 50)), FaceBox(*corners), 16)


def test_photographs_with_holes_are_refused() -> None:
    pixels = torch.rand(3, 8, 8)
    pixels[1, 2, 3] = torch.nan

    with pytest.raises(BadInput, match=r"the photograph holds 1 non-finite values, the first at index \(1, 2, 3\)"):
        Photograph(pixels)
    with pytest.raises(BadInput, match="pixels has shape"):
        Photograph(torch.rand(1, 8, 8))


def test_a_crop_at_its_own_size_is_the_photograph_itself() -> None:
    pixels = torch.rand(3, 40, 50)
    crop = square_crop(Photograph(pixels), FaceBox(10, 5, 30, 25), 20, enlarge=1.0)

    torch.testing.assert_close(crop.image, pixels[:, 5:25, 10:30])
    assert (crop.scale, crop.offset) == (1.0, (10.0, 5.0))


def test_the_crop_is_a_square_around_the_boxs_middle() -> None:
    crop = square_crop(Photograph(torch.rand(3, 100, 100)), FaceBox(40, 20, 60, 60), 26, enlarge=1.3)

    assert crop.scale == pytest.approx(1.3 * 40 / 26)
    assert crop.offset == pytest.approx((50 - 26, 40 - 26))


@pytest.mark.parametrize("size", [8, 33, 90])
def test_places_in_the_crop_are_places_in_the_photograph(size: int) -> None:
    """A photograph whose colours are its own columns and rows tells where each pixel of a crop comes from."""
    v, u = torch.meshgrid(torch.arange(60) + 0.5, torch.arange(80) + 0.5, indexing="ij")
    photograph = Photograph(torch.stack((u / 80, v / 60, torch.zeros(60, 80))))
    crop = square_crop(photograph, FaceBox(22.3, 15.1, 48.7, 40.2), size, enlarge=1.3)
    middle = torch.tensor([[0.5, 0.5, 0.0], [size - 0.5, 3.5, 2.0]])
    places = crop.to_photograph(middle)

    for (u, v, _), place in zip(middle.tolist(), places, strict=True):
        colour = crop.image[:2, int(v), int(u)] * torch.tensor([80, 60])
        torch.testing.assert_close(colour, place[:2], atol=0.02, rtol=0)  # averages are even to a 50th
        torch.testing.assert_close(photograph.colours_at(place[None, :2])[0, :2] * torch.tensor([80, 60]), place[:2])
    assert float(places[1, 2]) == pytest.approx(2 * crop.scale)  # depth is in the same pixels


def test_a_reduced_crop_has_no_aliases() -> None:
    """Stripes finer than the crop's pixels become grey."""
    stripes = (torch.arange(256) % 2).float().expand(3, 256, 256)
    crop = square_crop(Photograph(stripes.contiguous()), FaceBox(8, 8, 248, 248), 37, enlarge=1.0)

    torch.testing.assert_close(crop.image, torch.full_like(crop.image, 0.5), atol=0.02, rtol=0)


def test_beyond_the_photograph_a_crop_is_black() -> None:
    crop = square_crop(Photograph(torch.ones(3, 40, 40)), FaceBox(-20, 0, 20, 40), 40, enlarge=1.0)

    assert float(crop.image[:, :, :19].max()) == 0
    torch.testing.assert_close(crop.image[:, :, 21:], torch.ones(3, 40, 19))


def test_beyond_the_photograph_a_crop_may_be_as_at_its_border() -> None:
    """As that of the photograph with its border repeated, at its own resolution, smaller and larger."""
    pixels = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    around = torch.nn.functional.pad(pixels[None], (60, 60, 60, 60), mode="replicate")[0]
    box, moved = FaceBox(-25, -20, 30, 35), FaceBox(35, 40, 90, 95)
    for size in (11, 55, 130):
        found = square_crop(Photograph(pixels), box, size, enlarge=1.0, as_border=True)
        torch.testing.assert_close(found.image, square_crop(Photograph(around), moved, size, enlarge=1.0).image)
        assert found.offset == (-25, -20)


def test_colours_outside_are_not_known() -> None:
    nan, inf = torch.nan, torch.inf
    places = torch.tensor([[2.0, 2.0], [-0.1, 2.0], [2.0, 4.0], [nan, 2.0], [2.0, nan], [nan, nan], [inf, 2.0]])
    colours = Photograph(torch.ones(3, 4, 4)).colours_at(places)

    assert colours.isnan().all(dim=1).tolist() == [False] + [True] * 6
