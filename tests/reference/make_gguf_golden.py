"""Writes tests/golden/blocks.gguf with the gguf Python package: for every block-quantized type two rows of random
blocks, and beside each tensor what gguf.quants expands it to. Metadata of every type, for the reader's test.

Run again only when a type is added: .venv/bin/python tests/reference/make_gguf_golden.py
"""
import pathlib

import gguf
import numpy as np

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden" / "blocks.gguf"
TYPES = "F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS".split()
HALVES = {"F16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
          "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}


def random_blocks(rng, name, rows, blocks):
    """Random bytes, but finite scales: where the block keeps a half, a half of moderate size."""
    size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
    data = rng.integers(0, 256, (rows, blocks, size), dtype=np.uint8)
    if name == "BF16":
        data = rng.normal(size=(rows, blocks)).astype(np.float32).view(np.uint32) >> 16
        return data.astype(np.uint16).view(np.uint8).reshape(rows, -1)
    for at in HALVES[name]:
        half = rng.normal(size=(rows, blocks, 1)).astype(np.float16)
        data[:, :, at:at + 2] = half.view(np.uint8)
    return data.reshape(rows, -1)


def main():
    rng = np.random.default_rng(3)
    OUT.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(OUT, "test")
    writer.add_uint8("a.u8", 200)
    writer.add_int8("a.i8", -100)
    writer.add_uint16("a.u16", 60000)
    writer.add_int16("a.i16", -30000)
    writer.add_uint32("a.u32", 4_000_000_000)
    writer.add_int32("a.i32", -2_000_000_000)
    writer.add_float32("a.f32", 0.25)
    writer.add_bool("a.bool", True)
    writer.add_string("a.text", "마루 floor")
    writer.add_uint64("a.u64", 2**63 + 1)
    writer.add_int64("a.i64", -2**62)
    writer.add_float64("a.f64", 1e-300)
    writer.add_array("a.texts", ["", "한국어", "b"])
    writer.add_array("a.integers", [3, -1, 2])
    writer.add_array("a.numbers", [0.5, -2.0])
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        elements = gguf.GGML_QUANT_SIZES[kind][0]
        data = random_blocks(rng, name, 2, 256 // elements if elements > 1 else 64)
        writer.add_tensor(name, data, raw_dtype=kind)
        writer.add_tensor(name + ".expanded", gguf.quants.dequantize(data, kind))
    values = (rng.normal(size=(4, 64)) * 3).astype(np.float32)
    values[1, :32] = 0
    values[2, 5] = -values[2, 40]
    writer.add_tensor("values", values)
    for name in ("Q8_0", "Q4_0", "F16", "BF16"):
        kind = gguf.GGMLQuantizationType[name]
        packed = gguf.quants.quantize(values, kind)
        writer.add_tensor("values." + name, packed.view(np.uint8).reshape(4, -1), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
