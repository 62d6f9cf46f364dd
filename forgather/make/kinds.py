"""The kinds of artifacts, in the order of building."""

AFTER_TRAINING = ("checkpoint", "plot", "report")
KINDS = ("pp", "graph", "tokenizer", "dataset", "model", "train", *AFTER_TRAINING)
