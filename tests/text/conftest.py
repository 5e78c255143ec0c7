"""Tokenizers for the text wing's tests: tiny ones in both forms, and the real Gemma 2's where the data is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gemma_mlx.text.tokenizer import Tokenizer, load_tokenizer
from tests.text.tiny_tokenizer import json_form, sentencepiece_model, write_json, write_qwen

GEMMA_2_TEMPLATE = (
    "{{ bos_token }}"
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
"""The template that Gemma 2's instruction-tuned checkpoints are published with."""

GEMMA_3_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
"""
"""The template that Gemma 3's instruction-tuned checkpoints are published with."""


@pytest.fixture(scope="session")
def tiny_model_bytes() -> bytes:
    """A tiny tokenizer.model."""
    return sentencepiece_model()


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory, tiny_model_bytes: bytes) -> tuple[Path, Path]:
    """The same tiny vocabulary twice: as tokenizer.model, and as tokenizer.json."""
    root = tmp_path_factory.mktemp("tiny")
    (root / "model").mkdir()
    (root / "model" / "tokenizer.model").write_bytes(tiny_model_bytes)
    return root / "model", write_json(root / "json", json_form(tiny_model_bytes))


@pytest.fixture
def tiny(tiny_folders: tuple[Path, Path]) -> Tokenizer:
    """The tiny vocabulary through sentencepiece, new for each test."""
    return load_tokenizer(tiny_folders[0])


@pytest.fixture
def tiny_json(tiny_folders: tuple[Path, Path]) -> Tokenizer:
    """The tiny vocabulary through tokenizers, new for each test."""
    return load_tokenizer(tiny_folders[1])


@pytest.fixture
def qwen(tmp_path: Path) -> Tokenizer:
    """A tiny byte-level tokenizer with Qwen2's markers and template."""
    return load_tokenizer(write_qwen(tmp_path / "qwen"))


@pytest.fixture(scope="session")
def gemma_2_folders(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real Gemma 2 vocabulary twice: tokenizer.model alone, tokenizer.json alone."""
    source = test_data / "tokenizers" / "gemma-2"
    if not source.is_dir():
        pytest.skip(f"{source} is not there (the real Gemma 2 tokenizer)")
    root = tmp_path_factory.mktemp("gemma-2")
    for name in ("model", "json"):
        (root / name).mkdir()
        shutil.copy(source / f"tokenizer.{name}", root / name)
        shutil.copy(source / "tokenizer_config.json", root / name)
    return root / "model", root / "json"


@pytest.fixture(scope="session")
def gemma_2(gemma_2_folders: tuple[Path, Path]) -> tuple[Tokenizer, Tokenizer]:
    """The real Gemma 2 tokenizer through sentencepiece and through tokenizers."""
    return load_tokenizer(gemma_2_folders[0]), load_tokenizer(gemma_2_folders[1])
