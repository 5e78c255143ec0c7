"""The models that the fake worker knows: dense, quantized, with an adapter, too large, damaged."""

from __future__ import annotations

from gemma_mlx.worker import results

GB = 1024**3


def fake_models() -> tuple[results.ModelSummary, ...]:
    """The models that the fake machine holds: one of each verdict, one broken."""
    allowed = 12 * GB
    return (
        results.ModelSummary(
            path="/models/gemma-demo",
            name="Demo Gemma",
            origin="demo",
            generation="Gemma 3",
            parameters=9_000_000,
            size_bytes=18_000_000,
            dtype="bfloat16",
            context=2048,
            memory_bytes=90_000_000,
            allowed_bytes=allowed,
            verdict="fits",
        ),
        results.ModelSummary(
            path="/models/gemma-2-2b-it-4bit",
            name="gemma-2-2b-it-4bit",
            origin="app",
            generation="Gemma 2",
            parameters=2_614_341_888,
            size_bytes=int(1.5 * GB),
            dtype="bfloat16",
            quantization="4 bit, group 64",
            context=8192,
            memory_bytes=int(2.1 * GB),
            allowed_bytes=allowed,
            verdict="fits",
            verification=results.Verification(
                passed=True, reference="PyTorch 2.13.0 on NVIDIA H200", made="2026-11-02T09:30:00+00:00"
            ),
            adapters=(
                results.AdapterSummary(
                    path="/runs/pirate/adapter", name="Pirate answers", rank=16, size_bytes=42_000_000
                ),
                results.AdapterSummary(
                    path="/runs/json/adapter", name="Orders to JSON", rank=32, size_bytes=84_000_000
                ),
            ),
        ),
        results.ModelSummary(
            path="/hub/gemma-3-4b-it",
            name="google/gemma-3-4b-it",
            origin="huggingface",
            generation="Gemma 3",
            parameters=3_880_099_328,
            size_bytes=int(8.0 * GB),
            dtype="bfloat16",
            context=131072,
            memory_bytes=int(10.6 * GB),
            allowed_bytes=allowed,
            verdict="tight",
        ),
        results.ModelSummary(
            path="/hub/gemma-2-9b-it",
            name="google/gemma-2-9b-it",
            origin="huggingface",
            generation="Gemma 2",
            parameters=9_241_705_984,
            size_bytes=int(18.5 * GB),
            dtype="bfloat16",
            context=8192,
            memory_bytes=int(20 * GB),
            allowed_bytes=allowed,
            verdict="too-large",
        ),
        results.ModelSummary(
            path="/models/half-a-model",
            name="half-a-model",
            origin="app",
            generation="Gemma 2",
            size_bytes=int(2.2 * GB),
            allowed_bytes=allowed,
            problem="model-00002-of-00002.safetensors is missing.",
            fix="Download the model again.",
        ),
    )


def fake_offers(query: str) -> tuple[results.ModelOffer, ...]:
    """What the fake Hub holds: one of each verdict; a search finds one more."""
    allowed = 12 * GB
    if query:
        found = results.ModelOffer(repository=f"someone/{query}-gemma", downloads=12_345, licence="gemma")
        return (found,)

    def offer(
        name: str, generation: str, billions: float, bits: int, verdict: results.Verdict
    ) -> results.ModelOffer:
        size = int(billions * 1e9 * bits / 8)
        return results.ModelOffer(
            repository=name, generation=generation, chat=True, bits=bits, parameters=int(billions * 1e9),
            size_bytes=size, memory_bytes=size, allowed_bytes=allowed, verdict=verdict, licence="gemma",
            gated=name.startswith("google/"), page=f"https://example.invalid/{name}",
        )  # fmt: skip

    return (
        offer("google/gemma-3-270m-it", "Gemma 3", 0.27, 16, "fits"),
        offer("google/gemma-3-1b-it", "Gemma 3", 1.0, 16, "fits"),
        offer("mlx-community/gemma-2-2b-it-4bit", "Gemma 2", 2.6, 4, "fits"),
        offer("google/gemma-3-4b-it", "Gemma 3", 3.9, 16, "fits"),
        offer("mlx-community/gemma-2-9b-it-4bit", "Gemma 2", 9.2, 4, "fits"),
        offer("mlx-community/gemma-3-12b-it-8bit", "Gemma 3", 11.8, 8, "tight"),
        offer("google/gemma-2-27b-it", "Gemma 2", 27.2, 16, "too-large"),
    )
