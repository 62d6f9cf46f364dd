"""The graph: nodes and what can be done with them. Needs the standard library only."""

from forgather.graph.nodes import (
    UNSET,
    CallableNode,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    SingletonNode,
    VarNode,
)

__all__ = [
    "UNSET",
    "CallableNode",
    "FactoryNode",
    "MetaNode",
    "Node",
    "PartialNode",
    "SingletonNode",
    "VarNode",
]
