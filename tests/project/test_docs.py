"""The pages say what is there: rooms, files, links, and a first page that is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config.parsers import ROOT

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
PATH = re.compile(r"`((?:app|simulator|tests|benchmarks|docs|findings|examples)/[\w./]+)`")


def section(title: str, text: str = ARCHITECTURE) -> str:
    """What stands below a heading, up to the next of its level."""
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def packages(folder: Path) -> set[str]:
    """The folders below one that hold files of ours."""
    return {
        f"{each.relative_to(ROOT)}/"
        for each in folder.iterdir()
        if each.is_dir() and any(file.suffix != ".pyc" for file in each.rglob("*.*"))
    }


def test_the_first_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_the_list_of_rooms_is_complete() -> None:
    listed = re.findall(r"`([\w/]+/)`", "".join(re.findall(r"^\|[^|]+\|", section("The rooms"), re.MULTILINE)))

    rooms = packages(ROOT / "app") | {"simulator/"}
    services = {each.removeprefix("app/services/") for each in packages(ROOT / "app" / "services")}
    assert sorted(listed) == sorted(rooms | services)


def test_the_layers_are_those_that_are_checked() -> None:
    setup = (ROOT / "setup.cfg").read_text()
    checked = [layers_of(setup, f"importlinter:contract:{name}") for name in ("layers", "rooms")]

    drawing = section("The layers").split("```")[1].strip().splitlines()
    inside = [line.removeprefix("services:") for line in drawing if line.startswith(("services:", " "))]
    around = ["services" if line.startswith("services:") else line for line in drawing if not line.startswith(" ")]
    assert [names(line) for line in around] == checked[0]
    assert [names(line) for line in inside] == checked[1]


def layers_of(setup: str, contract: str) -> list[set[str]]:
    """The layers of a contract of import-linter, from above to below."""
    text = setup.split(f"[{contract}]\n")[1].split("\n[")[0].split("\nlayers =\n")[1]
    return [names(line.replace("app.", "")) for line in text.splitlines() if line.startswith(" ")]


def names(line: str) -> set[str]:
    """Rooms that stand side by side."""
    return {name.strip() for name in line.split("|")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_links_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]

    named = [] if page.name == "CHANGELOG.md" else PATH.findall(text)
    missing = [path for path in named if not re.search("NAME|NNNN", path) and not (ROOT / path).exists()]
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            missing.append(link)
    assert missing == []


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to the headings of a page, and those that it sets itself."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return {*plain, *re.findall(r'<a id="([^"]+)">', text)}


def test_the_sizes_of_what_is_ours_by_hand_are_about_right() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|.*\| (\d+) \|$", section("Ours by hand"), re.MULTILINE)

    wrong = {}
    for files, said in rows:
        paths = [ROOT / path for path in PATH.findall(files + " ")] or [ROOT / "simulator"]
        sources = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
        lines = sum(len(file.read_text().splitlines()) for file in sources)
        if not 0.5 <= lines / int(said) <= 2:
            wrong[files] = lines
    assert len(rows) > 15
    assert wrong == {}


def test_the_glossary_fits_on_a_page() -> None:
    assert len(section("Glossary").strip().splitlines()) <= 48


def test_every_decision_has_a_date_and_three_parts_and_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text())

    found = sorted(each.name for each in folder.glob("[0-9]*.md"))
    assert listed == found
    assert [name[:4] for name in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for name in found:
        text = (folder / name).read_text()
        assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE), name
        assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Choice", "Consequence"], name
