"""Events: who hears what, and how a callback is called.

A callback is any object with methods named after events (Hugging Face's callbacks are, too)::

    def on_log(self, args, state, control, logs=None, **kwargs): ...

A result other than None replaces ``control``. Which callbacks listen to an event is found out when
they are added, so an event that nobody listens to costs one dictionary look-up and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from forgather.errors import ConfigError, did_you_mean
from forgather.ml.trainer.state import TrainerControl, TrainerState

EVENTS = (
    "on_init_end",
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_step_begin",
    "on_pre_optimizer_step",
    "on_optimizer_step",
    "on_step_end",
    "on_substep_end",
    "on_prediction_step",
    "on_evaluate",
    "on_save",
    "on_train_metrics",
    "on_log_step",
    "on_log",
)


class TrainerCallback:
    """Base for callbacks: override the events of interest; the base hears nothing.

    Events get ``(args, state, control, model=, processing_class=, optimizer=, lr_scheduler=,
    train_dataloader=, eval_dataloader=, trainer=)`` and what belongs to the event: ``logs`` (on_log,
    and on_log_step, which may add to it), ``metrics`` (on_evaluate), ``loss``, ``grad_norm`` and
    ``tokens`` (on_train_metrics: tensors, every step).

    A callback with ``state_dict`` and ``load_state_dict`` is part of each checkpoint, under
    ``state_key`` (default: its class name). One with ``close`` has it called when the training is
    over, by an error too.
    """


class EventBus:
    def __init__(self, callbacks: Iterable[Any], args: Any) -> None:
        self.args = args
        self.state = TrainerState()
        self.control = TrainerControl()
        self.context: dict[str, Any] = {}
        self.callbacks: list[Any] = []
        self._listeners: dict[str, list[Callable[..., Any]]] = {}
        for callback in callbacks:
            self.add(callback)

    def add(self, callback: Any) -> None:
        callback = callback() if isinstance(callback, type) else callback
        _check_event_names(callback)
        self.callbacks.append(callback)
        self._index()

    def remove(self, callback: Any) -> Any | None:
        """Take out a callback, given itself or its class; returns it, or None."""
        for found in self.callbacks:
            if found is callback or (isinstance(callback, type) and type(found) is callback):
                self.callbacks.remove(found)
                self._index()
                return found
        return None

    def heard(self, event: str) -> bool:
        return event in self._listeners

    def emit(self, event: str, **details: Any) -> None:
        listeners = self._listeners.get(event)
        if listeners is None:
            return
        for listener in listeners:
            result = listener(self.args, self.state, self.control, **self.context, **details)
            if result is not None:
                self.control = result

    def _index(self) -> None:
        self._listeners = {}
        for event in EVENTS:
            found = [getattr(c, event) for c in self.callbacks if _listens(c, event)]
            if found:
                self._listeners[event] = found

    def close(self) -> None:
        """The training is over, whatever way it ended: let callbacks put their files away."""
        with contextlib.ExitStack() as stack:
            for callback in self.callbacks:
                if hasattr(callback, "close"):
                    stack.callback(callback.close)

    def state_dict(self) -> dict[str, Any]:
        return {
            key: callback.state_dict()
            for key, callback in self._stateful().items()
            if hasattr(callback, "state_dict")
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> list[str]:
        """Give each callback its state; returns the keys that no callback wanted."""
        stateful = self._stateful()
        for key, callback in stateful.items():
            if key in state_dict:
                callback.load_state_dict(state_dict[key])
        return [key for key in state_dict if key not in stateful]

    def _stateful(self) -> dict[str, Any]:
        """Stable names: the class, with a number from the second of one class on."""
        named: dict[str, Any] = {}
        for callback in self.callbacks:
            if not hasattr(callback, "load_state_dict"):
                continue
            base = getattr(callback, "state_key", None) or type(callback).__name__
            key, number = base, 1
            while key in named:
                number += 1
                key = f"{base}#{number}"
            named[key] = callback
        return named


def _listens(callback: Any, event: str) -> bool:
    """Whether the callback, or a class of it that is no bare base, defines the event."""
    if event in getattr(callback, "__dict__", {}):
        return True
    for owner in type(callback).__mro__:
        if event in owner.__dict__:
            return owner.__name__ != "TrainerCallback"
    return False


def _check_event_names(callback: Any) -> None:
    """A misspelt event would never be called; say so."""
    if not isinstance(callback, TrainerCallback):
        return
    for name in dir(type(callback)):
        if name.startswith("on_") and name not in EVENTS:
            raise ConfigError(
                f"{type(callback).__name__}.{name} is no event", hint=did_you_mean(name, EVENTS)
            )
