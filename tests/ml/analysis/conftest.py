from __future__ import annotations

import json

import pytest

FINAL = {
    "train_runtime": 125.0,
    "train_samples": 400,
    "train_samples_per_second": 3.2,
    "train_steps_per_second": 0.4,
    "effective_batch_size": 8,
}


def make_records(steps: int = 50, *, floor: float = 1.0, ends: bool = True) -> list[dict]:
    """Loss falls to `floor` at step 40 and rises again; an evaluation every 10 steps, 30 s later."""
    records = []
    for step in range(5, steps + 1, 5):
        loss = floor + abs(step - 40) / 10
        records.append(
            {
                "timestamp": 1000.0 + 6 * step,
                "global_step": step,
                "epoch": step / steps,
                "loss": loss,
                "grad_norm": 1.0 + (step == 15),
                "learning_rate": 1e-7 * step,
            }
        )
        if step % 10 == 0:
            records.append(
                {
                    "timestamp": 1030.0 + 6 * step,
                    "global_step": step,
                    "epoch": step / steps,
                    "eval_loss": loss + 0.5,
                }
            )
    if ends:
        records.append({"timestamp": 1400.0, "global_step": steps, "epoch": 1.0, **FINAL})
    return records


@pytest.fixture
def write_log(tmp_path):
    """Writes a log where a training would; returns its path."""

    def write(model: str = "tiny", run: str = "log_1", records=None, text: str | None = None):
        path = tmp_path / "output_models" / model / "runs" / run / "trainer_logs.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        records = make_records() if records is None else records
        path.write_text(
            text if text is not None else "".join(json.dumps(r) + "\n" for r in records)
        )
        return path

    return write


@pytest.fixture
def records():
    return make_records
