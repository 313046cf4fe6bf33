"""The width is the one that the standard library finds, with a terminal and without."""

import os
import shutil
import sys

import pytest

from indexer.system.terminal_size import terminal_columns


@pytest.mark.parametrize("columns", ["", "0", "132", "wide", "-3"])
def test_the_environment_goes_before_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_columns() == shutil.get_terminal_size().columns


def test_a_terminal_is_asked_for_its_width(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((97, 5)))
    assert terminal_columns() == shutil.get_terminal_size().columns == 97


def test_without_standard_output_it_is_as_wide_as_ever(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)
    assert terminal_columns() == shutil.get_terminal_size().columns == 80
