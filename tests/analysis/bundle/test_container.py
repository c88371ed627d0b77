"""The container: one way to write it, and nothing else is read."""

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.bundle import container
from analysis.bundle.container import pack, unpack
from probes.errors import BundleError

FILES = {"a.json": b"{}\n", "library/b c/d%2Fe.bin": bytes(range(256)) * 9, "library/empty": b""}
DATE = (1980, 1, 1, 0, 0, 0)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    write(tmp_path / "folder", FILES)
    pack(tmp_path / "packed.zip", tmp_path / "folder")
    return tmp_path / "packed.zip"


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def zipped(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes], comment: bytes = b"") -> Path:
    """A zip as `zipfile` writes it, as close to a bundle as that goes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files:
            info = zipfile.ZipInfo(name, DATE) if isinstance(name, str) else name
            info.external_attr = info.external_attr or (stat.S_IFREG | 0o644) << 16
            info.create_system = 3
            archive.writestr(info, content)
        archive.comment = comment
    return path


def test_what_is_packed_comes_out_again(packed: Path, tmp_path: Path) -> None:
    assert unpack(packed, tmp_path / "out") == sorted(FILES)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES


def test_the_same_files_give_the_same_bytes_whatever_order_and_dates_they_have(packed: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", dict(reversed(FILES.items())))
    (tmp_path / "other" / "a.json").chmod(0o600)
    pack(tmp_path / "other.zip", tmp_path / "other")
    assert (tmp_path / "other.zip").read_bytes() == packed.read_bytes()


def test_any_zip_tool_reads_it(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == FILES
        assert {(info.date_time, info.compress_type, info.extra) for info in archive.infolist()} == {(DATE, 0, b"")}


def test_what_zipfile_stores_plainly_is_read(tmp_path: Path) -> None:
    """The hostile files below are refused for what is wrong with them, and not for who wrote them."""
    assert unpack(zipped(tmp_path / "x.zip", ("a", b"1"), ("b/c", b"")), tmp_path / "out") == ["a", "b/c"]


LINK = zipfile.ZipInfo("a", DATE)
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
BOMB = zipfile.ZipInfo("a", DATE)
BOMB.compress_type = zipfile.ZIP_DEFLATED
EXTRA = zipfile.ZipInfo("a", DATE)
EXTRA.extra = struct.pack("<2H4s", 0x9999, 4, b"more")
LATER = zipfile.ZipInfo("a", (2020, 1, 1, 0, 0, 0))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("../a", b"")], "file name"),
        ([("b/../../a", b"")], "file name"),
        ([("/etc/a", b"")], "file name"),
        ([("C:/a", b"")], "file name"),
        ([("b\\..\\a", b"")], "file name"),
        ([("b//a", b"")], "file name"),
        ([("./a", b"")], "file name"),
        ([("b/", b"")], "file name"),
        ([("", b"")], "file name"),
        ([("a.", b"")], "file name"),
        ([("a" * 241, b"")], "file name"),
        ([("a\u202etxt", b"")], "file name"),
        ([("ä", b"")], "file name"),
        ([("a\ufe0f", b"")], "file name"),
        ([("a\x07", b"")], "file name"),
        ([("b", b""), ("a", b"")], "out of order"),
        ([("A", b""), ("a", b"")], "one file on some systems"),
        ([("a", b""), ("a/b", b"")], "as a file and as a folder"),
        ([(LINK, b"/etc/passwd")], "what no bundle holds"),
        ([(BOMB, bytes(10_000_000))], "otherwise than as a plain, stored file"),
        ([(EXTRA, b"")], "otherwise than as a plain, stored file"),
        ([(LATER, b"")], "otherwise than as a plain, stored file"),
    ],
)
def test_what_no_bundle_holds_is_refused(files: list[tuple[str, bytes]], said: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", *files)
    with pytest.raises(BundleError, match=said):
        unpack(path, tmp_path / "out" / "inner")
    outside = [one for one in tmp_path.rglob("*") if not one.is_relative_to(tmp_path / "out" / "inner")]
    assert set(outside) <= {path, tmp_path / "out"}


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "x.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(BundleError, match="twice"):
        unpack(path, tmp_path / "out")


def changed(place: int, value: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([value]) + data[place + 1 :]


def directory(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


HUGE = struct.pack("<2I", 2**31, 2**31)


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: b"",
        lambda data: b"not a zip at all",
        lambda data: data + b"\0",
        lambda data: b"\0" + data,
        lambda data: data[:-1],
        lambda data: data[:40],
        lambda data: data[: directory(data)],
        lambda data: data[:-2] + b"\x03\0abc",  # a comment
        lambda data: data[: directory(data)] + b"hidden" + data[directory(data) :],
        lambda data: data[:18] + HUGE + data[26:],  # declares more than there is
        changed(6, 1),  # encrypted
        changed(6, 8),  # sizes only afterwards
        changed(8, 8),  # deflated, says the local header alone
        lambda data: changed(directory(data) + 10, 8)(data),  # says the directory alone
        lambda data: changed(directory(data) + 46, ord("b"))(data),  # another name in the directory
        lambda data: changed(directory(data) + 42, 1)(data),  # another place
        lambda data: data.replace(b"{}\n", b"[]\n"),
    ],
)
def test_no_byte_can_be_other_than_it_is(edit: Callable[[bytes], bytes], packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    assert edit(data) != data
    packed.write_bytes(edit(data))
    with pytest.raises(BundleError):
        unpack(packed, tmp_path / "out")


def test_limits_hold_for_both_sides(monkeypatch: pytest.MonkeyPatch, packed: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(container, "MOST_FILES", 2)
    with pytest.raises(BundleError, match="at most 2 files"):
        pack(tmp_path / "more.zip", tmp_path / "folder")
    with pytest.raises(BundleError, match="more than 2 files"):
        unpack(packed, tmp_path / "out")
    monkeypatch.setattr(container, "MOST_BYTES", 1000)
    with pytest.raises(BundleError, match="larger than a bundle can be"):
        unpack(packed, tmp_path / "elsewhere")
    monkeypatch.setattr(container, "MOST_FILES", 9)
    with pytest.raises(BundleError, match="more than 1000 bytes"):
        pack(tmp_path / "more.zip", tmp_path / "folder")
    assert not list(tmp_path.glob("more.zip*"))


def test_names_that_no_bundle_has_are_not_packed(tmp_path: Path) -> None:
    write(tmp_path / "folder", {"naïve.txt": b""})
    with pytest.raises(BundleError, match="file name"):
        pack(tmp_path / "x.zip", tmp_path / "folder")
