"""Further logs of a run beside metrics.jsonl: a CSV table, TensorBoard event files."""

from __future__ import annotations

import contextlib
import csv
import json
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Logger(Protocol):
    """Takes a step's measurements."""

    def write(self, step: int, values: dict[str, float]) -> None: ...

    def close(self) -> None: ...


def open_loggers(run: Path, kinds: Sequence[str], step: int = 0) -> list[Logger]:
    """The logs that the settings ask for, in the folder of a run that goes on after `step`."""
    made: list[Logger] = []
    if "csv" in kinds:
        made.append(CsvLogger(run))
    if "tensorboard" in kinds:
        made.append(TensorBoardLogger(run / "tensorboard", step))
    return made


class CsvLogger:
    """metrics.csv with one column for each measurement, made anew from metrics.jsonl when the run ends."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def write(self, step: int, values: dict[str, float]) -> None:
        """Nothing yet: the columns are known when all measurements are."""

    def close(self) -> None:
        path = self._run / "metrics.jsonl"
        if not path.exists():
            return
        rows = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError):  # a line cut short by a full disk or a crash
                rows.append(json.loads(line))
        names = list(dict.fromkeys(name for row in rows for name in row))
        with (self._run / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)


class TensorBoardLogger:
    """Scalars as TensorBoard reads them: TFRecord frames around three fields of the Event message.

    Reference: tensorflow/core/util/event.proto. Written by hand, since the package would outweigh the app.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        """After `step` updates: of later ones in earlier files TensorBoard forgets all (SessionLog START)."""
        folder.mkdir(parents=True, exist_ok=True)
        goes_on = any(folder.iterdir())
        stamp = time.time()
        self._file = (folder / f"events.out.tfevents.{int(stamp)}.{time.monotonic_ns()}.gemma-mlx").open("wb")
        self._frame(_double(1, stamp) + _text(3, b"brain.Event:2"))
        if goes_on:
            self._frame(_double(1, stamp) + _varint_field(2, step + 1) + _text(7, _varint_field(1, 1)))

    def write(self, step: int, values: dict[str, float]) -> None:
        scalars = b"".join(
            _text(1, _text(1, name.encode()) + _float(2, value)) for name, value in values.items()
        )
        self._frame(_double(1, time.time()) + _varint_field(2, step) + _text(5, scalars))

    def close(self) -> None:
        self._file.close()

    def _frame(self, message: bytes) -> None:
        size = struct.pack("<Q", len(message))
        self._file.write(size + _masked_crc(size) + message + _masked_crc(message))
        self._file.flush()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _text(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    return table


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> bytes:
    """CRC-32C, masked as TFRecord asks."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
