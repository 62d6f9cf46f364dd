import json

import pytest

from forgather.runs.layout import checkpoint_step, list_checkpoints, new_run_directory
from forgather.runs.records import RecordWriter, read_records
from forgather.runs.snapshot import write_snapshot


def step(number, **values):
    return {"global_step": number, "loss": 1.0 / number, **values}


def test_records_are_readable_while_the_writer_is_open(tmp_path):
    writer = RecordWriter(tmp_path / "log.json", header={"name": "x"})
    writer.append(step(1))
    assert read_records(tmp_path / "log.json") == [step(1)]
    header = (tmp_path / "log.json").read_text().splitlines()[0]
    assert json.loads(header) == {"schema": 1, "name": "x"}


def test_an_existing_file_is_not_overwritten(tmp_path):
    RecordWriter(tmp_path / "log.json").close()
    with pytest.raises(FileExistsError):
        RecordWriter(tmp_path / "log.json")


def test_a_reopened_file_keeps_only_what_the_checkpoint_knew(tmp_path):
    path = tmp_path / "log.json"
    with RecordWriter(path, header={}) as writer:
        for number in (1, 2, 3):
            writer.append(step(number))
    with RecordWriter(path, keep=2) as writer:
        assert writer.count == 2
        writer.append(step(3, again=True))
    assert read_records(path) == [step(1), step(2), step(3, again=True)]


def test_a_torn_last_line_is_skipped_and_cut_on_reopening(tmp_path):
    path = tmp_path / "log.json"
    with RecordWriter(path) as writer:
        writer.append(step(1))
    with open(path, "a") as file:
        file.write('{"global_step": 2, "lo')
    assert read_records(path) == [step(1)]
    with RecordWriter(path, keep=5) as writer:
        writer.append(step(2))
    assert read_records(path) == [step(1), step(2)]


@pytest.mark.parametrize(
    "left", ['{"schema": 1, "name": "x"}\n{"global_step": 1, "loss": 1.0}\n', '{"sch', ""]
)
def test_a_file_that_is_begun_again_has_its_header(tmp_path, left):
    path = tmp_path / "log.json"
    path.write_text(left)
    with RecordWriter(path, keep=0, header={"name": "x"}) as writer:
        writer.append(step(1, again=True))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"schema": 1, "name": "x"}, step(1, again=True)]


@pytest.mark.parametrize("closing", ["]", "", ',\n{"global_st'])
def test_the_older_array_form_is_read_closed_or_not(tmp_path, closing):
    path = tmp_path / "log.json"
    path.write_text("[\n" + json.dumps(step(1)) + ",\n" + json.dumps(step(2)) + closing)
    assert read_records(path) == [step(1), step(2)]


def test_the_later_of_two_records_of_a_step_wins(tmp_path):
    path = tmp_path / "log.json"
    evaluation = {"global_step": 2, "eval_loss": 0.5}
    records = [step(1), step(2, old=True), evaluation, step(2)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert read_records(path) == [step(1), evaluation, step(2)]


def test_checkpoints_are_listed_by_number_from_both_places(tmp_path):
    for name in ("checkpoint-9", "checkpoint-10", "checkpoints/checkpoint-100", "checkpoint-x"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "checkpoint-11").write_text("a file")
    found = list_checkpoints(tmp_path)
    assert [number for number, _ in found] == [9, 10, 100]
    assert found[-1][1] == tmp_path / "checkpoints" / "checkpoint-100"
    assert checkpoint_step(tmp_path / "other-3") is None
    assert list_checkpoints(tmp_path / "absent") == []


def test_run_directories_do_not_collide(tmp_path):
    first = new_run_directory(tmp_path)
    first.mkdir(parents=True)
    assert new_run_directory(tmp_path) != first


def test_a_snapshot_is_written_once(tmp_path):
    write_snapshot(tmp_path, "a: 1\n")
    write_snapshot(tmp_path, "a: 2\n")
    assert (tmp_path / "config.yaml").read_text() == "a: 1\n"
