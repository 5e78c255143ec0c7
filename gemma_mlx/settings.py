"""Every setting, declared once: the command line, the app's forms, run files and the wire derive from here.

A field carries its label (`title`), its help (`description`), its limits, and where a form shows it
(`json_schema_extra`: {"group": ..., "advanced": bool}). Unknown keys are refused.
"""

from __future__ import annotations

from typing import Any, Literal

# First as a whole: loaded piece by piece after Qt, pydantic trips over PySide's import hook.
import pydantic.main  # noqa: F401
from pydantic import Field, model_validator

from gemma_mlx.declaring import Settings, shown

LINEAR_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear modules of one decoder block, by the names that checkpoints and PEFT give them."""

QuantizationMode = Literal["affine", "mxfp4", "mxfp8", "nvfp4"]
DatasetFormat = Literal["auto", "text", "completion", "messages", "alpaca", "sharegpt", "preference"]


class LoraSettings(Settings):
    """A low-rank adapter (Hu et al. 2021), with PEFT's conventions and names."""

    modules: list[str] = Field(
        ["all-linear"],
        title="Modules",
        description="Linear modules to adapt, by name, or all-linear for all seven of a block.",
        json_schema_extra=shown("Adapter"),
    )
    rank: int = Field(
        16,
        ge=1,
        le=1024,
        title="Rank",
        description="Rank r of the adapter: more learns more and takes more memory.",
        json_schema_extra=shown("Adapter", advanced=False),
    )
    alpha: float = Field(
        32.0,
        gt=0,
        le=65536,
        title="Alpha",
        description="The update is scaled by alpha / r.",
        json_schema_extra=shown("Adapter"),
    )
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of the adapter's inputs that are dropped in training.",
        json_schema_extra=shown("Adapter"),
    )
    use_rslora: bool = Field(
        False,
        title="Rank-stabilized scale",
        description="Scale by alpha / sqrt(r) (rsLoRA), which lets high ranks learn.",
        json_schema_extra=shown("Adapter"),
    )
    use_dora: bool = Field(
        False,
        title="DoRA",
        description="Learn direction and magnitude of the weights apart (DoRA): slower, often better.",
        json_schema_extra=shown("Adapter"),
    )
    layers: list[int] | None = Field(
        None,
        title="Layers",
        description="Indices of the blocks to adapt; none given means all.",
        json_schema_extra=shown("Adapter"),
    )
    rank_pattern: dict[str, int] = Field(
        default_factory=dict,
        title="Rank by module",
        description='Ranks that differ, by module path or its end: {"layers.0.self_attn.q_proj": 32}.',
        json_schema_extra=shown("Adapter"),
    )

    @model_validator(mode="after")
    def _known_modules(self) -> LoraSettings:
        unknown = [name for name in self.modules if name != "all-linear" and name not in LINEAR_MODULES]
        if unknown or not self.modules:
            named, known = ", ".join(unknown) or "none given", ", ".join(LINEAR_MODULES)
            raise ValueError(f"modules: {named}; choose all-linear or from {known}")
        return self

    @property
    def module_names(self) -> tuple[str, ...]:
        """The linear modules that are adapted, all-linear spelled out."""
        return LINEAR_MODULES if "all-linear" in self.modules else tuple(self.modules)


class QuantizeSettings(Settings):
    """How weights are stored in fewer bits. The floating formats fix their own bits and group."""

    mode: QuantizationMode = Field(
        "affine",
        title="Format",
        description="affine, or one of the microscaling float formats.",
        json_schema_extra=shown("Quantization", advanced=False),
    )
    bits: Literal[2, 3, 4, 5, 6, 8] = Field(
        4,
        title="Bits",
        description="Bits per weight (affine only).",
        json_schema_extra=shown("Quantization", advanced=False),
    )
    group_size: Literal[16, 32, 64, 128] = Field(
        64,
        title="Group size",
        description="Weights that share one scale (affine: 32, 64 or 128).",
        json_schema_extra=shown("Quantization"),
    )
    embedding_bits: Literal[2, 3, 4, 5, 6, 8, 16] | None = Field(
        None,
        title="Embedding bits",
        description="Bits of the embedding and head, affine; 16 leaves them as they are. None: as the rest.",
        json_schema_extra=shown("Quantization"),
    )

    @model_validator(mode="before")
    @classmethod
    def _float_formats(cls, values: Any) -> Any:
        """The floating formats have one width and one group each (MLX's)."""
        fixed = {"mxfp4": (4, 32), "mxfp8": (8, 32), "nvfp4": (4, 16)}
        if isinstance(values, dict) and values.get("mode") in fixed:
            bits, group = fixed[values["mode"]]
            for name, value in (("bits", bits), ("group_size", group)):
                if values.get(name, value) != value:
                    raise ValueError(f"{values['mode']} always has {name} {value}")
            return {**values, "bits": bits, "group_size": group}
        return values

    @model_validator(mode="after")
    def _affine_groups(self) -> QuantizeSettings:
        if self.mode == "affine" and self.group_size == 16:
            raise ValueError("group_size: affine has groups of 32, 64 or 128")
        return self


class DataSettings(Settings):
    """Which rows to learn from and which of their tokens carry loss."""

    dataset: str = Field(
        "",
        title="Dataset",
        description="A file (jsonl, json, csv, parquet, txt) or a folder with train and valid.",
        json_schema_extra=shown("Data", advanced=False),
    )
    format: DatasetFormat = Field(
        "auto",
        title="Format",
        description="How rows are read; auto looks at the columns.",
        json_schema_extra=shown("Data"),
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        title="Columns",
        description='Our name to the file\'s column: {"prompt": "question", "completion": "human_answers"}.',
        json_schema_extra=shown("Data"),
    )
    loss_on: Literal["completions", "all"] = Field(
        "completions",
        title="Loss on",
        description="Every answer of the model, or all text.",
        json_schema_extra=shown("Data"),
    )
    max_length: int = Field(
        1024,
        ge=8,
        le=1_048_576,
        title="Longest row",
        description="Rows are cut to this many tokens.",
        json_schema_extra=shown("Data", unit="tokens"),
    )
    validation_split: float = Field(
        0.05,
        ge=0,
        le=0.5,
        title="Validation share",
        description="Share of rows held out when the dataset has no validation file of its own.",
        json_schema_extra=shown("Data"),
    )
    limit: int | None = Field(
        None,
        ge=1,
        title="Row limit",
        description="Use at most this many rows.",
        json_schema_extra=shown("Data"),
    )
    bad_rows: Literal["refuse", "leave_out"] = Field(
        "refuse",
        title="Bad rows",
        description="Refuse a dataset in which rows cannot be used, or leave these rows out.",
        json_schema_extra=shown("Data"),
    )


class TrainSettings(Settings):
    """One training run."""

    objective: Literal["sft", "dpo", "orpo"] = Field(
        "sft",
        title="Objective",
        description="Supervised answers, or preferences (chosen against rejected).",
        json_schema_extra=shown("Training"),
    )
    method: Literal["lora", "full"] = Field(
        "lora",
        title="Method",
        description="Train an adapter, or all weights of a small model.",
        json_schema_extra=shown("Training"),
    )
    epochs: float = Field(
        1.0,
        gt=0,
        le=1000,
        title="Epochs",
        description="Passes over the dataset, unless steps are given.",
        json_schema_extra=shown("Training", advanced=False),
    )
    steps: int | None = Field(
        None,
        ge=1,
        title="Steps",
        description="Optimizer steps; overrides epochs.",
        json_schema_extra=shown("Training", advanced=False),
    )
    learning_rate: float = Field(
        2e-4,
        gt=0,
        le=1,
        title="Learning rate",
        description="The peak, after warm-up.",
        json_schema_extra=shown("Training", advanced=False),
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "cosine",
        title="Schedule",
        description="How the learning rate falls after warm-up.",
        json_schema_extra=shown("Training"),
    )
    warmup_steps: int = Field(
        10,
        ge=0,
        title="Warm-up",
        description="Steps in which the learning rate rises from 0.",
        json_schema_extra=shown("Training", unit="steps"),
    )
    batch_size: int = Field(
        4,
        ge=1,
        le=4096,
        title="Batch size",
        description="Rows in one forward pass, at the most.",
        json_schema_extra=shown("Training", advanced=False, unit="rows"),
    )
    tokens_per_batch: int | None = Field(
        None,
        ge=8,
        title="Tokens per batch",
        description="Token budget of one forward pass; replaces the batch size.",
        json_schema_extra=shown("Training", unit="tokens"),
    )
    accumulation: int = Field(
        1,
        ge=1,
        le=4096,
        title="Accumulation",
        description="Batches whose gradients make one step, weighted by their tokens.",
        json_schema_extra=shown("Training", unit="batches"),
    )
    optimizer: Literal["adamw", "adafactor", "lion"] = Field(
        "adamw",
        title="Optimizer",
        description="AdamW; Adafactor and Lion keep a smaller state.",
        json_schema_extra=shown("Training"),
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Weight decay",
        description="Decoupled decay of the trained weights.",
        json_schema_extra=shown("Training"),
    )
    max_gradient_norm: float | None = Field(
        1.0,
        gt=0,
        title="Gradient clipping",
        description="Gradients are scaled down to this norm; none: never.",
        json_schema_extra=shown("Training"),
    )
    lora_plus_ratio: float = Field(
        1.0,
        ge=1,
        le=256,
        title="LoRA+ ratio",
        description="Learning rate of B over that of A (LoRA+); 1 is plain LoRA.",
        json_schema_extra=shown("Training"),
    )
    neftune_alpha: float = Field(
        0.0,
        ge=0,
        le=100,
        title="NEFTune noise",
        description="Noise on the embeddings in training; 0 is off.",
        json_schema_extra=shown("Training"),
    )
    preference_beta: float = Field(
        0.1,
        gt=0,
        le=10,
        title="Preference beta",
        description="Strength of the DPO or ORPO preference term.",
        json_schema_extra=shown("Training"),
    )
    gradient_checkpointing: bool = Field(
        False,
        title="Gradient checkpointing",
        description="Compute activations twice to keep fewer in memory.",
        json_schema_extra=shown("Memory"),
    )
    layout: Literal["auto", "packed", "padded"] = Field(
        "auto",
        title="Batch layout",
        description="packed lays rows end to end without padding; padded sorts by length; auto measures.",
        json_schema_extra=shown("Memory"),
    )
    loss_chunk: int | None = Field(
        None,
        ge=1,
        title="Loss chunk",
        description="Rows of the vocabulary product at a time; none: from memory.",
        json_schema_extra=shown("Memory", unit="rows"),
    )
    memory_limit_gb: float | None = Field(
        None,
        gt=0,
        title="Memory ceiling",
        description="Wait rather than take more; a step that still does ends the run with a checkpoint.",
        json_schema_extra=shown("Memory", unit="GB"),
    )
    evaluate_every: int | None = Field(
        None,
        ge=1,
        title="Evaluate every",
        description="Steps between validations; none: four times a run.",
        json_schema_extra=shown("Watching", unit="steps"),
    )
    save_every: int = Field(
        100,
        ge=1,
        title="Save every",
        description="Steps between checkpoints.",
        json_schema_extra=shown("Watching", unit="steps"),
    )
    keep_checkpoints: int = Field(
        3,
        ge=1,
        title="Checkpoints kept",
        description="The newest ones; the best is kept besides.",
        json_schema_extra=shown("Watching"),
    )
    early_stop_patience: int | None = Field(
        None,
        ge=1,
        title="Early stop",
        description="Stop after this many validations without improvement.",
        json_schema_extra=shown("Watching", unit="validations"),
    )
    sample_prompts: list[str] = Field(
        default_factory=list,
        title="Sample prompts",
        description="Prompts that are answered at each validation.",
        json_schema_extra=shown("Watching"),
    )
    sample_tokens: int = Field(
        64,
        ge=1,
        le=4096,
        title="Sample length",
        description="Tokens of each sample, at the most.",
        json_schema_extra=shown("Watching", unit="tokens"),
    )
    loggers: list[Literal["csv", "tensorboard"]] = Field(
        default_factory=list,
        title="Further logs",
        description="Write metrics.csv or TensorBoard files too.",
        json_schema_extra=shown("Watching"),
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**63,
        title="Seed",
        description="Order of the data, dropout and first weights follow from it.",
        json_schema_extra=shown("Training"),
    )


class SamplingSettings(Settings):
    """How the next token is chosen. Temperature 0 is greedy."""

    temperature: float = Field(
        0.7,
        ge=0,
        le=5,
        title="Temperature",
        description="0 always takes the likeliest token.",
        json_schema_extra=shown("Sampling", advanced=False),
    )
    top_k: int = Field(
        50,
        ge=0,
        title="Top-k",
        description="Only the k likeliest tokens; 0 is off.",
        json_schema_extra=shown("Sampling"),
    )
    top_p: float = Field(
        0.95,
        gt=0,
        le=1,
        title="Top-p",
        description="Only the likeliest tokens that together have this probability.",
        json_schema_extra=shown("Sampling"),
    )
    min_p: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Min-p",
        description="Only tokens with this share of the likeliest one's probability.",
        json_schema_extra=shown("Sampling"),
    )
    repetition_penalty: float = Field(
        1.0,
        gt=0,
        le=10,
        title="Repetition penalty",
        description="Above 1 makes tokens seen before less likely.",
        json_schema_extra=shown("Sampling"),
    )
    max_tokens: int = Field(
        512,
        ge=1,
        title="Longest answer",
        description="Tokens generated at the most.",
        json_schema_extra=shown("Sampling", advanced=False, unit="tokens"),
    )
    stop: list[str] = Field(
        default_factory=list,
        title="Stop strings",
        description="The answer ends before the first of these.",
        json_schema_extra=shown("Sampling"),
    )
    seed: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        title="Seed",
        description="The same seed gives the same answer; none: by chance.",
        json_schema_extra=shown("Sampling"),
    )


class RunSettings(Settings):
    """All of a training run, as run.json and recipe files hold it."""

    model: str = Field(
        "", title="Base model", description="Folder of the base model.", json_schema_extra=shown("Model")
    )
    quantization: QuantizeSettings | None = Field(
        None,
        title="Quantize the base",
        description="QLoRA: the frozen base is quantized while it loads.",
        json_schema_extra=shown("Model"),
    )
    lora: LoraSettings = LoraSettings()
    data: DataSettings = DataSettings()
    training: TrainSettings = TrainSettings()

    def with_data(self, **changes: Any) -> RunSettings:
        """The same run over other data; the values are not checked."""
        return self.model_copy(update={"data": self.data.model_copy(update=changes)})

    def with_training(self, **changes: Any) -> RunSettings:
        """The same run trained otherwise; the values are not checked."""
        return self.model_copy(update={"training": self.training.model_copy(update=changes)})
