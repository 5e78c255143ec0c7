"""Further logs: read back as their readers read them."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemma_mlx.training.loggers import open_loggers

VALUES = [(1, {"train_loss": 2.5, "gradient_norm": 0.25}), (300, {"validation_loss": 1.125})]


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit, as RFC 3720 defines it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frames(data: bytes) -> Iterator[bytes]:
    """The messages of a TFRecord file, its sums checked."""
    at = 0
    while at < len(data):
        size, size_sum = struct.unpack_from("<QI", data, at)
        assert size_sum == masked(data[at : at + 8])
        message = data[at + 12 : at + 12 + size]
        (message_sum,) = struct.unpack_from("<I", data, at + 12 + size)
        assert message_sum == masked(message)
        yield message
        at += 16 + size


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def fields(message: bytes) -> list[tuple[int, int | float | bytes]]:
    """The fields of a protocol-buffer message as (number, value)."""
    found: list[tuple[int, int | float | bytes]] = []
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = varint(message, at)
            found.append((number, value))
        elif kind == 1:
            found.append((number, struct.unpack_from("<d", message, at)[0]))
            at += 8
        elif kind == 5:
            found.append((number, struct.unpack_from("<f", message, at)[0]))
            at += 4
        else:
            assert kind == 2
            size, at = varint(message, at)
            found.append((number, message[at : at + size]))
            at += size
    return found


def test_the_check_sum_is_the_published_one() -> None:
    assert crc32c(b"123456789") == 0xE3069283


def test_tensorboard_files_read_back(tmp_path: Path) -> None:
    (logger,) = open_loggers(tmp_path, ["tensorboard"])
    for step, values in VALUES:
        logger.write(step, values)
    logger.close()
    (path,) = (tmp_path / "tensorboard").iterdir()
    assert path.name.startswith("events.out.tfevents.")
    first, *events = frames(path.read_bytes())
    assert (3, b"brain.Event:2") in fields(first)
    read = []
    for event in events:
        by_number = dict(fields(event))
        assert isinstance(by_number[1], float) and by_number[1] > 1.7e9  # wall time
        summary = by_number[5]
        assert isinstance(summary, bytes)
        scalars = {}
        for number, value in fields(summary):
            assert number == 1 and isinstance(value, bytes)
            scalar = dict(fields(value))
            assert isinstance(scalar[1], bytes)
            scalars[scalar[1].decode()] = scalar[2]
        read.append((by_number[2], scalars))
    assert read == VALUES


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "train_loss": 2.5}\n{"step": 2, "tra')
    (table,) = open_loggers(tmp_path, ["csv"])
    table.close()
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["step,train_loss", "1,2.5"]


def test_a_resumed_run_makes_tensorboard_forget_what_came_after(tmp_path: Path) -> None:
    """SessionLog START (field 7) at step 301: earlier files' values from there on are dropped."""
    for step in (0, 300):
        (logger,) = open_loggers(tmp_path, ["tensorboard"], step)
        logger.close()
    first, second = (list(frames(p.read_bytes())) for p in sorted((tmp_path / "tensorboard").iterdir()))
    assert len(first) == 1
    start = dict(fields(second[1]))
    assert start[2] == 301 and start[7] == bytes([1 << 3, 1])


def test_a_table_has_every_measurement_as_a_column(tmp_path: Path) -> None:
    lines = [json.dumps({"step": step, **values}) + "\n" for step, values in VALUES]
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    (logger,) = open_loggers(tmp_path, ["csv"])
    logger.close()
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["train_loss"] == "2.5" and rows[0]["validation_loss"] == ""
    assert rows[1] == {"step": "300", "train_loss": "", "gradient_norm": "", "validation_loss": "1.125"}


@pytest.mark.parametrize("kinds", [[], ["csv"], ["csv", "tensorboard"]])
def test_only_what_is_asked_for_is_written(tmp_path: Path, kinds: list[str]) -> None:
    for logger in open_loggers(tmp_path, kinds):
        logger.write(1, {"train_loss": 1.0})
        logger.close()
    assert (tmp_path / "tensorboard").exists() == ("tensorboard" in kinds)
