"""``blame`` and ``diff``: where lines come from, and what really differs."""

import json
import subprocess

import pytest


def test_blame_shows_template_and_line(workspace, forgather):
    outcome = forgather("blame")
    assert outcome.status == 0
    (line,) = (line for line in outcome.lines if "lr: 0.001" in line)
    assert line.split(" | ")[0].strip() == "base.yaml:7"


def test_pp_annotate_is_the_same(workspace, forgather):
    assert forgather("pp", "--annotate").out == forgather("blame").out


def test_blame_as_json(workspace, forgather):
    rows = json.loads(forgather("-t", "other.yaml", "blame", "--format", "json").out)
    (row,) = (row for row in rows if "lr: 0.5" in row["text"])
    assert row["file"] == str(workspace / "one/templates/configs/other.yaml")
    assert row["template_line"] == 7


def test_blame_of_a_block_tells_its_history_base_first(workspace, forgather):
    outcome = forgather("-t", "other.yaml", "blame", "--block", "optimizer")
    assert outcome.lines == [
        "templates/base.yaml:5: defines",
        "templates/configs/other.yaml:5: overrides",
    ]


def test_blame_of_a_block_that_does_not_exist(workspace, forgather):
    outcome = forgather("blame", "--block", "optimiser")
    assert outcome.status == 1
    assert "did you mean 'optimizer'?" in outcome.err


def test_diff_of_two_configs(workspace, forgather):
    outcome = forgather("diff", "plain.yaml", "other.yaml")
    assert outcome.status == 0
    assert outcome.lines[:2] == ["--- plain.yaml", "+++ other.yaml"]
    assert "~ optimizer" in outcome.lines
    assert "    - !partial:torch.optim:AdamW    (templates/base.yaml:6)" in outcome.lines
    assert "    + !partial:torch.optim:SGD    (templates/configs/other.yaml:6)" in outcome.lines
    assert "~ optimizer.lr" in outcome.lines
    assert "+ extra" in outcome.lines
    assert outcome.out.count("optimizer.lr") == 1  # shared with main, told once


def test_the_second_config_is_the_selected_one_when_left_out(workspace, forgather):
    assert "+++ plain.yaml" in forgather("diff", "other.yaml").lines


def test_equal_configs(workspace, forgather):
    outcome = forgather("diff", "plain.yaml", "plain.yaml", "--exit-code")
    assert outcome.status == 0
    assert "no differences" in outcome.out


def test_exit_code_and_json(workspace, forgather):
    outcome = forgather("diff", "plain.yaml", "other.yaml", "--exit-code", "--format", "json")
    assert outcome.status == 1
    changes = {change["path"]: change for change in json.loads(outcome.out)["changes"]}
    assert changes["optimizer.lr"]["old"] == "0.001"
    assert changes["optimizer.lr"]["new_span"]["line"] == 7
    assert changes["extra"]["kind"] == "added"


def test_an_unknown_config(workspace, forgather):
    outcome = forgather("diff", "plain.yaml", "othr.yaml")
    assert outcome.status == 1
    assert "did you mean 'other.yaml'?" in outcome.err


@pytest.fixture
def repository(workspace, monkeypatch):
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "someone")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "someone@example.org")

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=workspace, check=True, capture_output=True)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    return workspace


def test_diff_with_a_revision(repository, forgather):
    base = repository / "one/templates/base.yaml"
    base.write_text("## a comment changes nothing\n" + base.read_text().replace("1.0e-3", "2.0e-3"))
    outcome = forgather("diff", "HEAD:plain.yaml", "plain.yaml")
    assert outcome.status == 0
    assert outcome.lines == [
        "--- HEAD:plain.yaml",
        "+++ plain.yaml",
        "~ optimizer.lr",
        "    - 0.001    (HEAD:one/templates/base.yaml:7)",
        "    + 0.002    (templates/base.yaml:8)",
    ]


def test_an_unchanged_project_does_not_differ_from_its_revision(repository, forgather):
    before = (repository / ".git/index").read_bytes()
    assert "no differences" in forgather("diff", "HEAD:").out
    assert (repository / ".git/index").read_bytes() == before, "the repository is only read"


def test_a_revision_is_whole_where_the_working_tree_is_sparse(repository, forgather):
    base = repository / "one/templates/base.yaml"
    patterns = ["/*", "!/one/templates/base.yaml"]
    command = ["git", "sparse-checkout", "set", "--no-cone", *patterns]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    assert not base.exists()
    outcome = forgather("diff", "HEAD:plain.yaml", "HEAD:plain.yaml")
    assert "no differences" in outcome.out, outcome.err


def test_an_unknown_revision(repository, forgather):
    outcome = forgather("diff", "nosuch:plain.yaml")
    assert outcome.status == 2
    assert "nosuch" in outcome.err


def test_a_project_that_a_revision_does_not_have(repository, forgather):
    (repository / "new").mkdir()
    for name in ("meta.yaml", "templates/configs/data.yaml"):
        target = repository / "new" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((repository / "two" / name).read_text())
    outcome = forgather("-p", str(repository / "new"), "diff", "HEAD:data.yaml")
    assert outcome.status == 1
    assert "there is no project new at revision 'HEAD'" in outcome.err


def test_outside_of_a_repository(workspace, forgather):
    outcome = forgather("diff", "HEAD:plain.yaml")
    assert outcome.status == 2
    assert "git" in outcome.err


def test_the_time_of_rendering_is_no_difference(workspace, forgather):
    base = workspace / "one/templates/base.yaml"
    base.write_text(base.read_text() + "now: '{{ isotime() }}'\n")
    other = workspace / "one/templates/configs/other.yaml"
    other.write_text((workspace / "one/templates/configs/plain.yaml").read_text())
    assert "no differences" in forgather("diff", "plain.yaml", "other.yaml").out
