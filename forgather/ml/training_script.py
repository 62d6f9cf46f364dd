"""What a training config builds as ``main``: train, save the model directory, evaluate, as asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from forgather.ml.trainer.callbacks import ConfigSnapshot
from forgather.ml.trainer.trainer import BaseTrainer

logger = logging.getLogger(__name__)


class TrainingScript:
    """meta: the config's own description of itself; ``pp_config`` in it (the rendered text) is kept
    in the run directory as ``config.yaml``.

    trainer: any object with train(), save_model() and evaluate().
    """

    def __init__(
        self,
        meta: Mapping[str, Any],
        trainer: BaseTrainer,
        do_train: bool = True,
        do_save: bool = False,
        do_eval: bool = False,
    ) -> None:
        self.meta = meta
        self.trainer = trainer
        self.do_train = do_train
        self.do_save = do_save
        self.do_eval = do_eval

    def run(self) -> dict[str, float]:
        """The final metrics of what was done."""
        metrics: dict[str, float] = {}
        text = self.meta.get("pp_config")
        if text:
            self.trainer.add_callback(ConfigSnapshot(str(text)))
        if self.do_train:
            metrics.update(self.trainer.train().metrics)
        if self.do_save:
            self.trainer.save_model()
        if self.do_eval:
            evaluated = self.trainer.evaluate()
            logger.info("evaluation: %s", evaluated)
            metrics.update(evaluated)
        return metrics
