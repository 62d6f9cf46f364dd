"""The names and blocks that users override are the library's public interface: none may get lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forgather.lang.source import split

LIBRARY = Path(__file__).resolve().parents[2] / "templatelib"
BLOCK = re.compile(r"^\s*(?:--\s+block\s+(\w+)(?:\s+required)?\s*|\[(\w+)!?\]\s*)$")

CATALOGUE = """
base: config_type.yaml | base_directories resource_directories config_metadata globals header variable_listing main_body dynamic_args config_output meta_output main_output auxiliary_outputs
base: callbacks/base_callbacks.yaml | callback_dependencies callback_list_definition callback_list
base: callbacks/loggers.yaml | callback_dependencies experiment_info callback_list
base: inc/formatting.jinja |
base: models/base_language_model.yaml | model_meta_config model_globals model_header model_tokenizer model_config_defs model_code_generator model_code_writer model_config model_constructor
base: models/model_type.yaml | config_metadata globals header variable_listing main_body model_constructor_args model_definition dynamic_args meta_output main_output
base: models/causal_lm/custom.yaml | model_meta_config model_header model_tokenizer model_config_defs model_submodule_searchpath model_bits model_config model_constructor
base: models/causal_lm/custom_dynamic.yaml | model_meta_config model_globals model_code_generator
base: models/causal_lm/from_pretrained_class.yaml | model_meta_config model_header model_tokenizer model_config model_constructor
base: models/causal_lm/from_pretrained_config.yaml | model_meta_config model_header model_tokenizer model_config model_constructor
base: models/causal_lm/from_pretrained_model.yaml | model_meta_config model_header model_tokenizer model_constructor
base: models/causal_lm/vllm_plans.yaml | tp_plan pp_plan
base: trainers/base_trainer.yaml | trainer_meta_config trainer_globals trainer_header trainer_dependencies model_preprocessor trainer_constructor
base: trainers/trainer.yaml | trainer_meta_config trainer_constructor
base: training_script/training_script_type.yaml | config_metadata globals variable_listing main_body distributed_environment pre_model_setup model_constructor_args model_definition datasets_preprocessor_args datasets_definition datacollator trainer_callbacks optimizer lr_scheduler trainer_args trainer_dependencies trainer_definition dynamic_args meta_output main_output
base: training_script/causal_lm/causal_lm.yaml | config_metadata variable_listing datasets_preprocessor_args model_constructor_args model_definition construct_new_model trainer_callbacks datacollator trainer_args trainer_dependencies fused_loss_factory trainer_definition dynamic_args
base: types/training_script/causal_lm/causal_lm.yaml |
examples: flex_kernel_options/default.yaml |
examples: models/llama.yaml |
examples: models/transformers/dynamic_causal_transformer.yaml | model_meta_config model_tokenizer model_bits loss_fn layer_norm_factory feedforward_factory rel_positional_encoder flex_attn_kernel_options attn_functions attention_factory layer_factory layer_stack output_decoder positional_encoder embedding input_encoder init_weights attn_mask_fn model_factory model_config model_code_generator
examples: models/transformers/dynamic_llama.yaml | model_meta_config model_tokenizer model_bits loss_fn layer_norm_factory feedforward_factory rel_positional_encoder qk_norm_factory flex_attn_kernel_options attn_functions attention_factory layer_factory layer_stack output_decoder abs_positional_encoder embedding input_encoder init_weights init_regex_list init_function attn_mask_fn model_factory model_config model_code_generator
examples: models/transformers/gpt2.yaml | model_meta_config model_tokenizer model_config
examples: models/transformers/llama.yaml | model_meta_config model_tokenizer model_config
examples: projects/causal_lm_def.yaml | config_metadata model_definition dynamic_args
tiny_experiments: models/tiny/tiny_gpt2.yaml | model_meta_config model_tokenizer model_config
tiny_experiments: models/tiny/tiny_llama.yaml | model_meta_config model_tokenizer model_config
tiny_experiments: projects/tiny.yaml | config_metadata datasets_preprocessor_args datasets_definition dataset_project_pp_args dataset_project dataset_splits trainer_definition construct_new_model model_project_pp_args model_project model_assets trainer_args trainer_callbacks datacollator lr_scheduler optimizer dynamic_args
tiny_experiments: projects/tiny.yaml#tiny.trainer_config |
tiny_experiments: projects/tiny.yaml#tiny.callbacks | callback_dependencies generation_config text_gen_callback_args callback_list
tiny_experiments: projects/tiny_batch.yaml | config_metadata globals trainer_args lr_scheduler optimizer
tiny_experiments: projects/tiny_batch.yaml#project.trainer_config |
"""
ENTRIES = [line.partition(" |")[::2] for line in CATALOGUE.strip().splitlines()]


def blocks_of(entry: str) -> set[str]:
    library, _, place = entry.partition(": ")
    file, _, inline = place.partition("#")
    text = (LIBRARY / library / file).read_text()
    sections = {section.name: section for section in split(text, file)}
    section = sections[inline or file]
    found = [match for line in section.lines if (match := BLOCK.match(line))]
    return {match[1] or match[2] for match in found}


@pytest.mark.parametrize(("entry", "names"), ENTRIES, ids=[entry for entry, _ in ENTRIES])
def test_template_has_its_blocks(entry: str, names: str) -> None:
    assert set(names.split()) <= blocks_of(entry)
