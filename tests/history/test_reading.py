"""Reading a folder of revisions as text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.history import reading
from dashboard.history.reading import FolderUnreadable, RevisionFile, list_folder, parse, read_folder


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(folder: Path) -> tuple[dict[str, RevisionFile], list[str]]:
    files, findings = read_folder(list_folder(str(folder)))
    return {file.revision: file for file in files}, [f"{found.subject}: {found.sentence}" for found in findings]


def parsed(text: str) -> RevisionFile:
    file, _ = parse(text, "0001_start.py")
    assert file is not None
    return file


def test_a_revision_is_read_with_its_message_date_and_author() -> None:
    file = parsed(
        '"""Add orders\n\nRevision ID: b2\nRevises: a1\nAuthor: Ada\nCreate Date: 2026-05-09 13:26:44.123456\n"""\n'
        "revision = 'b2'\ndown_revision = 'a1'\nbranch_labels = None\ndepends_on = None\n"
    )
    assert (file.revision, file.down_revisions, file.message, file.author) == ("b2", ("a1",), "Add orders", "Ada")
    assert file.written_at == datetime(2026, 5, 9, 13, 26, 44, 123456, UTC)


@pytest.mark.parametrize(
    ("assignment", "parents"),
    [
        ("down_revision = None", ()),
        ("down_revision: str | None = 'a'", ("a",)),
        ("down_revision: Union[str, Sequence[str], None] = ('a', 'b')", ("a", "b")),
        ("down_revision = ['a', 'b']", ("a", "b")),
        ("down_revision = 'v3.0.0.a'", ("v3.0.0.a",)),
        ("before = 'a'\ndown_revision = before", ("a",)),
    ],
)
def test_every_way_to_write_the_parents(assignment: str, parents: tuple[str, ...]) -> None:
    assert parsed(f"revision = 'x'\n{assignment}").down_revisions == parents


def test_the_label_none_as_a_text_is_a_label() -> None:
    assert parsed("revision = 'x'\nbranch_labels = ('None',)").labels == ("None",)


def test_the_docstring_is_never_believed_about_parents() -> None:
    assert parsed('"""x\n\nRevises: wrong\n"""\nrevision = "b"\ndown_revision = "right"').down_revisions == ("right",)


def test_without_a_message_the_name_of_the_file_tells() -> None:
    assert parsed('"""\nRevision ID: x\n"""\nrevision = "x"').message == "0001 start"


def test_a_computed_field_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    write(tmp_path, "versions/a.py", "from app import LABELS\nrevision = 'a'\nbranch_labels = LABELS\n")
    files, findings = read(tmp_path)
    assert list(files) == ["a"]
    assert findings == ["a.py: Computed, so not read: branch_labels."]


def test_nothing_of_the_folder_is_executed(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    write(tmp_path, "versions/a.py", f"open({str(trace)!r}, 'w')\nrevision = 'a'\nimport missing_package\n")
    assert list(read(tmp_path)[0]) == ["a"]
    assert not trace.exists()


def test_sub_folders_are_read_and_other_python_files_are_not_revisions(tmp_path: Path) -> None:
    write(tmp_path, "versions/2026/a.py", "revision = 'a'")
    write(tmp_path, "versions/2026/__init__.py", "revision = 'no'")
    write(tmp_path, "versions/helpers.py", "def add(): ...")
    write(tmp_path, "versions/__pycache__/b.py", "revision = 'no'")
    files, findings = read(tmp_path)
    assert files["a"].path == "2026/a.py"
    assert (len(files), findings) == (1, [])


def test_the_folder_itself_may_be_the_versions_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "revision = 'a'")
    assert list(read(tmp_path)[0]) == ["a"]


def test_a_file_that_cannot_be_read_is_named_with_why(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "revision = 'a'")
    write(tmp_path, "b.py", "revision = \n")
    write(tmp_path, "c.py", "revision = 7")
    (tmp_path / "d.py").write_bytes(b"revision = '\xff'")
    write(tmp_path, "e.py", "#" * (reading.MOST_FILE_BYTES + 1))
    write(tmp_path, "f.py", "x = " + "(" * 500 + ")" * 500)
    (tmp_path / "g.py").mkdir()
    files, findings = read(tmp_path)
    assert list(files) == ["a"]
    assert [line.split(":")[0] for line in findings] == ["b.py", "c.py", "d.py", "e.py", "f.py"]
    assert findings[0] == "b.py: This file was not read: it is not valid Python (line 1)."
    assert findings[3].endswith("it is larger than 1 MB.")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path, "outside/secret.py", "revision = 'secret'")
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "a.py").symlink_to(outside)
    (folder / "more").symlink_to(outside.parent)
    (folder / "gone.py").symlink_to(tmp_path / "nowhere")
    files, findings = read(folder)
    assert files == {}
    assert findings[0] == "a.py: This file was not read: it is a link that leads out of the folder."


def test_more_files_than_the_limit_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_FILES", 2)
    for number in range(3):
        write(tmp_path, f"{number}.py", f"revision = '{number}'")
    files, findings = read(tmp_path)
    assert (list(files), len(findings)) == (["0", "1"], 1)


def test_a_folder_that_is_missing_or_a_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FolderUnreadable, match="no such folder"):
        list_folder(str(tmp_path / "none"))
    with pytest.raises(FolderUnreadable, match="not a folder"):
        list_folder(str(write(tmp_path, "file", "")))
    with pytest.raises(FolderUnreadable):
        list_folder("bad\x00name")


def test_the_signature_changes_when_a_file_does(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "revision = 'a'")
    first = list_folder(str(tmp_path)).signature
    assert list_folder(str(tmp_path)).signature == first
    write(tmp_path, "a.py", "revision = 'abc'")
    assert list_folder(str(tmp_path)).signature != first


def test_texts_that_postgresql_cannot_store_are_mended() -> None:
    file = parsed('"""a\\0b \\ud800"""\nrevision = "x"')
    assert file.message == "a\N{REPLACEMENT CHARACTER}b ?"
