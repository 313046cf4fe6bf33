"""The picture of the README shows what the program prints."""

import re
import shutil

from docs.picture import FILE, PROMPT, SPANS, picture, text_of
from tests.support.processes import REPOSITORY, Site

MILLISECONDS = re.compile(r"(index|payload) \d+\.\d ms")


def test_its_text_is_what_the_command_prints(site: Site) -> None:
    """But for what reading took, which differs from run to run."""
    shutil.copytree(SPANS, site.root, dirs_exist_ok=True)
    assert site.call("--once").code == 0
    command, *shown = text_of(FILE.read_text(encoding="utf-8"))
    assert command.startswith(PROMPT)
    done = site.call(*command.removeprefix(PROMPT).split())
    assert done.code == 0, done.err
    assert [MILLISECONDS.sub(r"\1", line) for line in shown] == [
        MILLISECONDS.sub(r"\1", line.rstrip()) for line in done.out.splitlines()
    ]


def test_it_is_drawn_by_the_script_and_stands_in_the_readme() -> None:
    drawn = FILE.read_text(encoding="utf-8")
    assert picture(text_of(drawn)) == drawn, "run `make reference`"
    assert f"]({FILE.relative_to(REPOSITORY)})" in (REPOSITORY / "README.md").read_text()
