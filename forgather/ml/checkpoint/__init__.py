"""Checkpoints: atomic, verified, and everything a training needs to go on bit by bit.

state (what is saved, and how it is shared) < rng, tying, shards (weights) < manifest < store
(publish) < retention < coordinator (the order of it all). docs/checkpointing/user_guide.md has the
user's view.
"""

from forgather.ml.checkpoint.coordinator import CheckpointCoordinator
from forgather.ml.checkpoint.manifest import MANIFEST_FILE, verify_checkpoint
from forgather.ml.checkpoint.retention import BestCheckpoint, BestCheckpoints
from forgather.ml.checkpoint.shards import load_model_weights, save_model_weights
from forgather.ml.checkpoint.state import SharingPattern, StateComponent, component_file
from forgather.ml.checkpoint.store import find_latest_checkpoint, publish
from forgather.ml.checkpoint.tying import retie_parameters, sharing_groups

__all__ = [
    "MANIFEST_FILE",
    "BestCheckpoint",
    "BestCheckpoints",
    "CheckpointCoordinator",
    "SharingPattern",
    "StateComponent",
    "component_file",
    "find_latest_checkpoint",
    "load_model_weights",
    "publish",
    "retie_parameters",
    "save_model_weights",
    "sharing_groups",
    "verify_checkpoint",
]
