"""Generated Python: exact text for what people read, behaviour for the rest."""

import functools
import math
import sys
import types

import pytest

from forgather.codegen.expr import compile_graph
from forgather.codegen.python import format_code, generate, generate_code
from forgather.errors import CodegenError, ImportSpecError, ResolveError, Span
from forgather.graph import FactoryNode, MetaNode, PartialNode, SingletonNode, VarNode
from forgather.graph.canonical import digest
from forgather.graph.natives import NATIVES


def run(graph, variables=None, **options):
    """What the generated function returns."""
    source = generate_code(graph, **options)
    return execute(source)["construct"](**(variables or {}))


def execute(source, **scope):
    exec(compile(format_code(source), "<formatted>", "exec"), dict(scope))
    exec(compile(source, "<generated>", "exec"), scope)
    return scope


def test_layout():
    node = SingletonNode("dict", [], {"x": 1}, identity="foo")
    graph = {"a": node, "b": [node, FactoryNode("list"), PartialNode("pow", [2])]}
    assert generate_code(graph) == (
        "from functools import partial\n"
        "\n"
        "\n"
        "def construct():\n"
        "    foo = dict(\n"
        "        x=1,\n"
        "    )\n"
        "\n"
        "    return {\n"
        '        "a": foo,\n'
        '        "b": [\n'
        "            foo,\n"
        "            list(),\n"
        "            partial(\n"
        "                pow,\n"
        "                2,\n"
        "            ),\n"
        "        ],\n"
        "    }\n"
    )


def test_black_leaves_the_lines_alone():
    graph = {
        "a": SingletonNode("dict", [], {"x": 1, "s": "q", "l": [1, 2]}),
        "v": VarNode("n", "d"),
    }
    source = generate_code(graph)
    assert format_code(source) == source


def test_parameters():
    graph = [VarNode("zz"), VarNode("b", 1), VarNode("a", 2), VarNode("aa"), VarNode("b")]
    assert "def construct(\n    aa,\n    zz,\n    a=2,\n    b=1,\n):\n" in generate_code(graph)
    assert run(graph, {"zz": 1, "aa": 2}) == [1, 1, 2, 2, 1]
    source = generate_code(graph, relaxed_kwargs=True, factory_name="make")
    assert "def make(" in source and "    **kwargs,\n):" in source


@pytest.mark.parametrize("default", [[1], {"a": [2]}, [], SingletonNode("list", [[1]])])
def test_a_mutable_default_is_made_at_each_call(default):
    source = generate_code([VarNode("x", default), VarNode("x", default)])
    construct = execute(source)["construct"]
    first, again = construct(), construct()
    assert first == again and first[0] is first[1] and first[0] is not again[0]
    assert construct(x=None) == [None, None]


def test_one_variable_with_two_defaults():
    graph = {"a": VarNode("x", 1), "b": [VarNode("x", 1.0, span=Span("t.yaml", 3))]}
    with pytest.raises(
        CodegenError, match=r"'x' has two different defaults, at a and at b\[0\]"
    ) as e:
        generate_code(graph)
    assert e.value.where == Span("t.yaml", 3)


@pytest.mark.parametrize("name", ["my-var", "class", ""])
def test_a_variable_that_is_no_name(name):
    with pytest.raises(CodegenError, match="cannot be a parameter"):
        generate_code([VarNode(name)])


def test_a_default_that_needs_its_own_variable():
    node = VarNode("x", SingletonNode("list", [VarNode("x")]))
    with pytest.raises(CodegenError, match="needs the variable itself"):
        generate_code(node)


def test_an_anonymous_partial_as_the_result():
    made = run(PartialNode("collections:OrderedDict", [], {"lr": 1e-3}))
    assert isinstance(made, functools.partial) and made() == {"lr": 1e-3}


def test_a_dotted_symbol():
    source = generate_code(PartialNode("os:path.join", ["a"]))
    assert source.startswith("from functools import partial\nfrom os import path\n")
    assert execute(source)["construct"]()("b") == "a/b"


def test_a_dotted_name_without_colon():
    graph = [SingletonNode("os.path.join", ["a", "b"]), SingletonNode("str.upper", ["x"])]
    assert run(graph) == ["a/b", "X"]
    assert run(SingletonNode("xml.dom.minidom.Document")).nodeName == "#document"
    assert "from no_such_package.sub import Thing\n" in generate_code(
        SingletonNode("no_such_package.sub.Thing")
    )


def test_imports_are_sorted_minimal_and_merged():
    graph = [
        PartialNode("torch.nn:SiLU"),
        SingletonNode(".norm:RMSNorm"),
        SingletonNode("torch.nn:Linear"),
        SingletonNode(".attention:Attention"),
        SingletonNode("abc:ABC"),
    ]
    assert compile_graph(graph).imports == [
        "from abc import ABC",
        "from torch.nn import Linear, SiLU",
        "from .attention import Attention",
        "from .norm import RMSNorm",
    ]


def test_symbols_of_one_name_get_aliases():
    graph = [SingletonNode("builtins:max", [1, 2]), SingletonNode("max", [3, 4])]
    graph += [SingletonNode("os.path:join", ["a"]), SingletonNode("posixpath:join", ["b"])]
    source = generate_code(graph)
    assert "from builtins import max as max_\n" in source
    assert "from posixpath import join as join_\n" in source
    assert execute(source)["construct"]() == [2, 4, "a", "b"]


def test_a_parameter_may_hide_a_builtin_or_an_import():
    graph = {
        "a": SingletonNode("max", [VarNode("max"), VarNode("float"), float("-inf")]),
        "b": SingletonNode("os.path:join", [VarNode("join")]),
        "c": PartialNode("list", [VarNode("partial")]),
    }
    made = run(graph, {"max": 1, "float": 2, "join": "x", "partial": [3]})
    assert (made["a"], made["b"], made["c"]()) == (2, "x", [3])


def test_names_hide_nothing():
    shared = SingletonNode("named_list", [1], identity="max")
    graph = [
        shared,
        shared,
        SingletonNode("max", [5, 6]),
        SingletonNode("os.path:join", ["j"], identity="join"),
    ]
    assert run(graph) == [[1], [1], 6, "j"]
    assert run(
        [SingletonNode("list", identity="construct"), SingletonNode("list", identity="class")]
    ) == [[], []]
    assert run(
        [SingletonNode("operator:index", [1], identity="index")], factory_name="construct"
    ) == [1]


def test_a_symbol_named_like_the_function():
    module = types.ModuleType("fg_test_construct")
    module.construct = lambda: 7
    sys.modules[module.__name__] = module
    try:
        assert run(SingletonNode("fg_test_construct:construct")) == 7
    finally:
        del sys.modules[module.__name__]


class TestPolicies:
    inner = SingletonNode("list", identity="inner")
    graph = {"a": SingletonNode("dict", [], {"k": inner}), "b": FactoryNode("list")}  # noqa: RUF012

    def test_named(self):
        assert compile_graph(self.graph).definitions_text == "inner = list()"

    def test_required(self):
        assert compile_graph(self.graph, name_policy="required").definitions_text == ""

    def test_all(self):
        assert compile_graph(self.graph, name_policy="all").definitions_text == (
            "inner = list()\nalpha_ = dict(\n    k=inner,\n)\nbeta_ = list()"
        )

    def test_unknown(self):
        with pytest.raises(CodegenError, match="must be one of: required, named, all"):
            generate_code(self.graph, name_policy="some")


def test_shared_factories():
    bound, bare = FactoryNode("dict", [], {"a": 1}), FactoryNode("list")
    graph = [bound, bound, bare, bare]
    parts = compile_graph(graph)
    assert parts.definitions_text == "alpha_ = partial(\n    dict,\n    a=1,\n)\nbeta_ = list"
    made = run(graph)
    assert made == [{"a": 1}, {"a": 1}, [], []] and made[0] is not made[1]


def test_a_shared_factory_with_arguments_of_its_own():
    once = SingletonNode("list")
    factory = FactoryNode("dict", [], {"new": FactoryNode("list"), "copy": [0], "once": once})
    first, second = run([factory, factory])
    assert first == second
    assert first["new"] is not second["new"] and first["copy"] is not second["copy"]
    assert first["once"] is second["once"]


def test_shared_plain_containers_are_copies():
    small, large = [1, SingletonNode("list")], list(range(20))
    first, second, third, fourth = run([small, small, large, large])
    assert first is not second and first[1] is second[1]
    assert third == fourth and third is not fourth
    assert generate_code([large, large]).count("19") == 1


def test_code_does_not_grow_with_the_expansion():
    value: list = [0] * 9
    for _ in range(40):
        value = [value, value]
    assert len(generate_code(value)) < 10_000


def test_deep_nesting():
    value: list = []
    for _ in range(95):
        value = [value]
    made = run(value)
    for _ in range(95):
        (made,) = made
    assert made == []


def test_leaves():
    leaves = [
        1e-5,
        math.inf,
        -math.inf,
        10**20,
        -1,
        True,
        None,
        "it's",
        'say "x"',
        "both ' and \"",
        (1,),
        (),
    ]
    assert run(leaves) == leaves
    assert math.isnan(run(math.nan))
    assert run({"a": 10**5000})["a"] == 10**5000
    assert run({1: "a", None: "b", 2.5: "c"}) == {1: "a", None: "b", 2.5: "c"}
    assert run("\ud800\x00\u2028{{ x }}") == "\ud800\x00\u2028{{ x }}"


def test_a_text_of_several_lines_has_a_literal_for_each():
    source = generate_code({"t": "one\n two\n"})
    assert '        "t": (\n            "one\\n"\n            " two\\n"\n        ),\n' in source
    assert run({"t": "one\n two\n"}) == {"t": "one\n two\n"}


def test_native_forms():
    box = SingletonNode("types:SimpleNamespace", [], {"a": {"k": (1, 2)}}, identity="box")
    graph = {
        "attr": SingletonNode("getattr", [box, "a"]),
        "item": SingletonNode("getitem", [{"k": 1}, "k"]),
        "number": SingletonNode("getattr", [-5, "real"]),
        "default": SingletonNode("getattr", [box, "zz", 3]),
        "odd": SingletonNode("getitem", [{(1,)[0]: 2}, 1]),
        "call": SingletonNode("call", [PartialNode("pow", [2]), 3]),
        "bound": SingletonNode("call", [PartialNode("named_list", [1]), 3]),
        "items": SingletonNode("list", [SingletonNode("items", [{"a": 1}])]),
        "keys": SingletonNode("list", [SingletonNode("keys", [{"a": 1}])]),
        "values": SingletonNode("list", [SingletonNode("values", [{"a": 1}])]),
        "tuple": SingletonNode("named_tuple", [1]),
        "dict": SingletonNode("named_dict", [], {"a": 1, 2: 3}, latent_args={"a": 4}),
    }
    source = generate_code(graph)
    assert '"attr": box.a,' in source and '"number": (-5).real,' in source
    assert execute(source)["construct"]() == {
        "attr": {"k": (1, 2)}, "item": 1, "number": -5, "default": 3, "odd": 2, "call": 8,
        "bound": [1, 3], "items": [("a", 1)], "keys": ["a"], "values": [1], "tuple": (1,),
        "dict": {"a": 4, 2: 3},
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["call", "items", "keys", "values", "getitem", "named_tuple", "named_dict"]
)
def test_natives_as_callables(name):
    arguments = {
        "call": [max, [1, 3]],
        "getitem": [{"a": 1}, "a"],
        "named_tuple": [1],
        "named_dict": [],
    }
    args = arguments.get(name, [{"a": 1}])
    made, expected = run(PartialNode(name))(*args), NATIVES[name](*args)
    assert made == expected or list(made) == list(expected)


def test_a_bound_call_is_the_function_bound():
    function = PartialNode("pow", [2])
    graph = [function, PartialNode("call", [function]), PartialNode("call", [function, 3])]
    made = run(graph)
    assert made[0] is made[1] and made[2]() == 8


def test_odd_keywords():
    graph = SingletonNode("dict", [], {"class": 1, "my-key": 2, "ok": 3})
    assert run(graph) == {"class": 1, "my-key": 2, "ok": 3}
    with pytest.raises(CodegenError, match="must be a string, not 5"):
        generate_code(SingletonNode("dict", [], {5: 1}))


def test_latent_arguments():
    assert run(SingletonNode("dict", [], {"x": 1}, latent_args={"x": 2, "y": 3})) == {
        "x": 2,
        "y": 3,
    }
    graph = PartialNode("dict", [], {"x": 1, "z": 2}, latent_args=VarNode("q", {"x": 5}))
    assert run(graph)() == {"x": 5, "z": 2}
    assert run(graph, {"q": {"z": 0}})() == {"x": 1, "z": 0}


def test_files(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one/model.py").write_text(
        "from .part import n\nclass Model:\n    n = n\n    make = dict\n"
    )
    (tmp_path / "two/model.py").write_text("class Model: n = 2\n")
    (tmp_path / "part.py").write_text("n = 1\n")
    first = f"{tmp_path}/one/model.py"
    graph = {
        "one": SingletonNode(f"{first}:Model", submodule_searchpath=[str(tmp_path)]),
        "two": FactoryNode(f"{tmp_path}/two/model.py:Model"),
        "made": SingletonNode(
            f"{first}:Model.make", [], {"a": 1}, submodule_searchpath=[str(tmp_path)]
        ),
    }
    source = generate_code(graph)
    made = execute(source)["construct"]()
    assert (made["one"].n, made["two"].n, made["made"]) == (1, 2, {"a": 1})
    # The same module as materializing uses, so that classes are the same.
    assert type(graph["one"]()) is type(made["one"])


def test_a_file_is_imported_after_its_arguments_are_made(tmp_path):
    path = tmp_path / "late.py"
    writer = SingletonNode(
        "call",
        [
            SingletonNode("getattr", [SingletonNode("pathlib:Path", [str(path)]), "write_text"]),
            "def f(n): return n",
        ],
    )
    assert run(SingletonNode(f"{path}:f", [writer])) == len("def f(n): return n")


def test_meta_nodes_get_nodes():
    shared = SingletonNode(
        "x:y", ["a"], {"k": VarNode("v", [1])}, identity="part", submodule_searchpath=["/s"]
    )
    arguments = [
        [shared, PartialNode("p", latent_args={"q": 1})],
        {"n": shared, "f": FactoryNode("f")},
    ]
    graph = {"m": MetaNode("named_tuple", arguments), "k": MetaNode("dict", [], {"node": shared})}
    made = run(graph)
    assert digest([*made["m"], made["k"]]) == digest([*arguments, {"node": shared}])
    assert made["m"][0][0] is made["m"][1]["n"] is made["k"]["node"]
    assert made["m"][0][0].identity == "part"


def test_meta_nodes_with_odd_and_late_keywords():
    node = MetaNode("dict", [], {"my-key": SingletonNode("a")}, latent_args=VarNode("q", {"b": 1}))
    made = run(node)
    assert made["b"] == 1 and made["my-key"].constructor == "a"


def test_variables_inside_meta_arguments_are_no_parameters():
    assert "def construct():" in generate_code(MetaNode("list", [[VarNode("x")]]))


@pytest.mark.parametrize(
    ("spec", "error"),
    [("a:b:c", ImportSpecError), ("prnt", ResolveError), ("__debug__", ResolveError)],
)
def test_wrong_specs(spec, error):
    with pytest.raises(error) as caught:
        generate_code({"a": SingletonNode(spec, span=Span("t.yaml", 2))})
    assert caught.value.where == Span("t.yaml", 2)


def test_nothing_is_imported(tmp_path):
    path = tmp_path / "evil.py"
    path.write_text("raise SystemExit\n")
    graph = [
        SingletonNode(f"{path}:x"),
        SingletonNode("antigravity:x"),
        SingletonNode("os:system", ["exit 3"]),
    ]
    generate_code(graph)
    assert "antigravity" not in sys.modules


def test_a_template_of_the_caller():
    template = (
        "{% for line in imports %}\n{{ line }}\n{% endfor %}\n"
        "class Maker:\n"
        "    def make(self{% for v in variables %}, {{ v }}{% endfor %}):\n"
        "        {{ definitions | indent(8) }}\n"
        "        self.{{ attribute }} = {{ main_body | indent(8) }}\n"
    )
    node = SingletonNode("os.path:join", ["a", VarNode("name", "b")], identity="joined")
    source = generate_code([node, node], template_str=template, attribute="made")
    maker = execute(source)["Maker"]()
    maker.make()
    assert maker.made == ["a/b", "a/b"]


def test_a_template_found_by_name(tmp_path):
    (tmp_path / "shell.py.jinja").write_text("result = {{ main_body }}\n")
    source = generate_code([1, 2], template_name="shell.py.jinja", searchpath=str(tmp_path))
    assert source == "result = [1, 2]\n"


class TestLineMap:
    graph = {  # noqa: RUF012
        "t": SingletonNode(
            "collections:OrderedDict",
            [],
            {"b": "several\nlines\n", "k": "x" * 90},
            identity="thing",
            span=Span("a.yaml", 5),
            arg_spans={"k": Span("a.yaml", 7)},
        )
    }

    def line_of(self, generated, text):
        lines = generated.source.splitlines()
        return next(n for n, line in enumerate(lines, start=1) if text in line)

    @pytest.mark.parametrize("form", ["plain", "formatted", "narrow"])
    def test_lines_know_their_origin(self, form):
        generated = generate(self.graph)
        if form != "plain":
            generated = generated.formatted(40 if form == "narrow" else 100)
        call = generated.origin(self.line_of(generated, "OrderedDict("))
        assert (call.path, call.span) == ("t", Span("a.yaml", 5))
        argument = generated.origin(self.line_of(generated, "k="))
        assert (argument.path, argument.span) == ("t.k", Span("a.yaml", 7))
        assert generated.origin(self.line_of(generated, "return")).path == ""

    def test_the_map_moves_into_another_module(self):
        generated = generate(self.graph)
        body = generated.source.partition("def construct():\n")[2].replace("return", "result =")
        module = "import a\n\n\nclass Shell:\n    def make(self):\n" + "".join(
            f"    {line}\n" for line in body.splitlines()
        )
        moved = generated.moved_into(format_code(module))
        line = self.line_of(moved, "k=")
        assert moved.origin(line).path == "t.k"
        assert moved.origin(1) is None
