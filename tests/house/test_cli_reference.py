"""docs/cli.md is in step with the parsers."""

from tests.house import cli_reference


def test_the_page_is_in_step(capsys):
    stale = cli_reference.main(["--check"])
    assert not stale, f"run python -m tests.house.cli_reference\n{capsys.readouterr().out}"
