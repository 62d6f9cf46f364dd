"""Overrides that users write: each must arrive where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forgather.errors import TemplateError
from forgather.graph.nodes import CallableNode, VarNode
from forgather.graph.walk import walk

REPOSITORY = Path(__file__).resolve().parents[2]
LLAMA_TEMPLATES = str(REPOSITORY / "examples/models/llama/templates")

MODEL = """
    -- extends 'projects/causal_lm_def.yaml'
    [config_metadata]
        == super()
        -- set ns.config_name = "Mine"
        -- set ns.model_name = "mine"
    [model_definition]
        -- include 'config.mine.model'

    #-------------------- config.mine.model --------------------
    -- extends 'models/transformers/dynamic_llama.yaml'
    [model_tokenizer]
        -- include 'tokenizers/tiny_2k.yaml'
"""


def calls(graph: Any, constructor: str) -> list[CallableNode]:
    """The nodes below ``graph`` that call ``constructor``."""
    values = [visit.value for visit in walk(graph)]
    return [v for v in values if isinstance(v, CallableNode) and v.constructor == constructor]


def code(project: Any) -> CallableNode:
    return project.config["model_package"].kwargs["code"]


def test_optimizer_and_model_as_in_the_first_config_of_a_new_project(
    make_project: Callable[..., Any],
) -> None:
    project = make_project({"default.yaml": """
            -- extends "types/training_script/causal_lm/causal_lm.yaml"

            -- block construct_new_model
                -- include 'models/llama.yaml'
            -- endblock construct_new_model

            -- block optimizer
            optimizer: &optimizer !partial:torch.optim:AdamW
                lr: 1.0e-4
            -- endblock optimizer
            """})()
    assert project.config["optimizer"].constructor == "torch.optim:AdamW"
    assert project.config["optimizer"].kwargs == {"lr": 1e-4}
    assert project.config["trainer"].kwargs["optimizer_factory"] is project.config["optimizer"]
    assert calls(project.config["model"], "transformers:LlamaConfig")


def test_old_spellings_and_an_inline_model(make_project: Callable[..., Any]) -> None:
    project = make_project({"default.yaml": """
            -- extends "types/training_script/causal_lm/causal_lm.yaml"
            -- block optimizer
            # Project override
            optimizer: &optimizer !lambda:torch:optim.AdamW
                lr: 1.0e-3
            << endblock optimizer

            -- block construct_new_model
                ## Includes inline template.
                -- include 'project.model_config'
            -- endblock construct_new_model

            # Inline template definition
            #-------------------- project.model_config --------------------
            -- extends 'models/transformers/dynamic_llama.yaml'
            -- block model_config
                == super()
                # Project overrides
                hidden_size: 512
            << endblock model_config
            """})()
    assert project.config["optimizer"].kwargs == {"lr": 1e-3}
    assert project.config["model_package"].kwargs["config"].kwargs["hidden_size"] == 512


def test_rotary_positions_can_be_left_out(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": MODEL,
            "nope.yaml": """
            -- extends "configs/default.yaml"
            [config_metadata]
                == super()
                -- set ns.model_name = "nope_variant"
            [model_definition]
                -- include "config.nope.model"
            #------------- config.nope.model --------------
            -- extends "config.mine.model"
            [rel_positional_encoder]
            .define: &relative_pe null
            """,
        }
    )
    attention = ".causal_multihead_attn:CausalMultiheadAttn"
    rotary = ".rotary_embeddings:RotaryPE"
    assert calls(project().config["model"], rotary)
    nope = project("nope.yaml")
    assert not calls(nope.config["model"], rotary)
    assert calls(nope.config["model"], attention)[0].kwargs["pos_encoder"] is None
    assert nope("meta")["model_name"] == "nope_variant"


def test_search_path_of_parts_can_be_put_in_front(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": MODEL
            + """
    [model_submodule_searchpath]
        - "{{ joinpath(ns.forgather_dir, 'examples/models/base_model/modelsrc') }}"
        == super()
"""
        }
    )()
    path = code(project).kwargs["searchpath"]
    assert path[0] == str(REPOSITORY / "examples/models/base_model/modelsrc")
    assert str(REPOSITORY / "modelsrc/transformer") in path[1:]


def test_plans_for_vllm_can_be_written_after_super(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": MODEL
            + """
    [model_code_generator]
        == super()

        # vLLM Support
        tp_plan:
            "model.layer_stack.layers.*.attention.query_linear": "colwise"
        pp_plan:
            "model.input_encoder": [["input_ids"], ["hidden_states"]]
"""
        }
    )()
    flags = code(project).kwargs
    assert flags["tp_plan"] == {"model.layer_stack.layers.*.attention.query_linear": "colwise"}
    assert flags["pp_plan"] == {"model.input_encoder": [["input_ids"], ["hidden_states"]]}
    assert flags["short_name"] == "llama"


def test_llama_has_complete_plans_by_default(make_project: Callable[..., Any]) -> None:
    flags = code(make_project({"default.yaml": MODEL})()).kwargs
    parts = {name.rpartition(".")[2] for name in flags["tp_plan"]}
    assert {"query_linear", "output_linear", "gate_proj", "up_proj", "down_proj"} <= parts
    assert next(iter(flags["pp_plan"])) == "model.input_encoder"


@pytest.mark.parametrize(
    ("block", "text", "constructor"),
    [
        (
            "layer_norm_factory",
            '.define: &layer_norm_factory !partial:torch.nn:LayerNorm@norm { normalized_shape: !var "hidden_size" }',
            "torch.nn:LayerNorm",
        ),
        (
            "feedforward_factory",
            '.define: &feedforward_factory !partial:.feedforward_layer:FeedforwardLayer { d_model: !var "hidden_size", d_feedforward: 64 }',
            ".feedforward_layer:FeedforwardLayer",
        ),
        (
            "init_function",
            ".define: &init_weights !partial:.llama_init:hf_llama_weight_init []",
            ".llama_init:hf_llama_weight_init",
        ),
        (
            "flex_attn_kernel_options",
            ".define: &flex_kernel_options { BLOCK_M: 32 }",
            "transformers.integrations.flex_attention:flex_attention_forward",
        ),
        (
            "qk_norm_factory",
            ".define: &qk_norm_factory !partial:torch.nn:RMSNorm@qk_norm { normalized_shape: 64 }",
            "torch.nn:RMSNorm",
        ),
    ],
)
def test_a_part_can_be_replaced(
    make_project: Callable[..., Any], block: str, text: str, constructor: str
) -> None:
    project = make_project({"default.yaml": f"{MODEL}\n    [{block}]\n    {text}\n"})()
    assert calls(project.config["model"], constructor)


def test_parts_are_shared_and_read_the_configuration(make_project: Callable[..., Any]) -> None:
    project = make_project({"default.yaml": MODEL})()
    factory = code(project).kwargs["model_factory"]
    assert set(factory.kwargs) == {"causal_model", "lm_head", "loss_fn"}
    fields = set(project.config["model_package"].kwargs["config"].kwargs)
    used = {visit.value.name for visit in walk(factory) if isinstance(visit.value, VarNode)}
    assert used - fields == {"config", "attn_implementation"}


def test_config_of_another_project_can_be_extended(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {"small.yaml": """
            -- extends 'configs/4M.yaml'
            [config_metadata]
                == super()
                -- set ns.model_name = "small"
            [model_definition]
                -- include 'config.small.model'
            #---- config.small.model ----
            -- extends 'config.4M.model'
            [model_config]
                == super()
                hidden_size: 128
            """},
        searchdir=(LLAMA_TEMPLATES,),
    )()
    assert project.config["model_package"].kwargs["config"].kwargs["hidden_size"] == 128
    assert project("meta")["model_name"] == "small"


TINY = """
    -- extends 'projects/tiny.yaml'
    [config_metadata]
        == super()
        -- set ns.config_name = "Mine"
        -- set ns.model_project_dir = project_dir
        -- set ns.model_project_config = "baseline.yaml"
"""


def test_model_project_can_be_the_project_itself(make_project: Callable[..., Any]) -> None:
    project = make_project({"default.yaml": TINY})()
    package = project.config["model_package"]
    assert package.kwargs["project_dir"] == project("meta")["project_dir"]
    assert package.kwargs["config_template"] == "baseline.yaml"


def test_trainer_arguments_can_be_changed(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {"default.yaml": f"{TINY}\n    [trainer_args]\n        == super()\n        max_steps: 7\n"}
    )()
    arguments = project("trainer_args")
    assert (arguments["max_steps"], arguments["seed"]) == (7, 42)
    assert project.config["trainer"].kwargs["args"] is project.config["trainer_args"]


def test_batch_settings_of_tiny_batch_take_effect(make_project: Callable[..., Any]) -> None:
    project = make_project({"default.yaml": """
            -- extends 'projects/tiny_batch.yaml'
            [config_metadata]
                == super()
                -- set ns.per_device_train_batch_size = 16
                -- set ns.gradient_accumulation_steps = 8
                -- set ns.lr_scaling = "sqrt"
            """})()
    arguments = project("trainer_args")
    assert arguments["per_device_train_batch_size"] == 16
    assert arguments["gradient_accumulation_steps"] == 8
    assert (arguments["logging_steps"], arguments["eval_steps"]) == (25, 125)
    assert project.config["optimizer"].kwargs["lr"] == pytest.approx(2e-3)
    assert project.config["lr_scheduler"].kwargs["warmup_steps"] == 125


def test_unknown_scaling_is_refused(make_project: Callable[..., Any]) -> None:
    load = make_project({"default.yaml": """
            -- extends 'projects/tiny_batch.yaml'
            [config_metadata]
                == super()
                -- set ns.lr_scaling = "cubic"
            """})
    with pytest.raises(TemplateError, match="cubic"):
        load()


def test_callbacks_can_be_added_and_removed(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": TINY
            + """
    [trainer_callbacks]
        -- include 'my.callbacks'

    #---- my.callbacks ----
    -- extends 'tiny.callbacks'
    [generation_config]
        == super()
        temperature: 1.0
    [callback_list]
        == super()
        mine: !singleton:my_package:MyCallback []
        tb_logger: null
"""
        }
    )()
    names = [
        node.constructor.rpartition(":")[2] for node in project.config["trainer_callbacks"].args
    ]
    assert names[-1] == "MyCallback"
    assert "TBLogger" not in names and "JsonLogger" in names
    assert project("generation_config")["temperature"] == 1.0


def test_another_trainer_class_is_included(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": TINY
            + """
        -- set ns.trainer_class = "my.trainer"
    #---- my.trainer ----
    -- extends 'trainers/trainer.yaml'
    [trainer_meta_config]
        == super()
        -- set ns.trainer_constructor = "my_package:MyTrainer"
    [model_preprocessor]
    model_preprocessor: &model_preprocessor !partial:my_package:prepare [ *model ]
"""
        }
    )()
    assert project.config["trainer"].constructor == "my_package:MyTrainer"
    assert project.config["model_preprocessor"].constructor == "my_package:prepare"


def test_override_in_the_wrong_chain_is_reported(make_project: Callable[..., Any]) -> None:
    project = make_project(
        {
            "default.yaml": TINY
            + """
    [trainer_definition]
        -- include 'my.trainer_config'
    #---- my.trainer_config ----
    -- extends 'tiny.trainer_config'
    [trainer_args]
        == super()
        max_steps: 7
"""
        }
    )()
    assert project("trainer_args")["max_steps"] == -1
    (warning,) = project.loaded.warnings
    assert "trainer_args" in warning.render()


def test_missing_model_is_named(make_project: Callable[..., Any]) -> None:
    load = make_project({"default.yaml": "-- extends 'training_script/causal_lm/causal_lm.yaml'\n"})
    with pytest.raises(TemplateError, match="construct_new_model"):
        load()
