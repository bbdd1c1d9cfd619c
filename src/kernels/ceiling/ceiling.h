// What this machine can do at most: the figures that kernels and training are measured against (MFU, % of the ceiling).
// A tenth of a second each; the best of several bursts, because neighbours on the machine only ever slow one down.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

/// Multiply-adds in registers (or tiles) on all threads of the pool, with the instruction that matrix multiplication
/// uses for T (float or bfloat16) on the stream's instruction set.
/// Units    floating-point operations per second, two per multiply-add.
template <class T>
double measure_flops(CpuStream& stream);

/// The same for products of 8-bit integers summed in 32 bits (`vpdpbusd`, `vpmaddubsw`).
/// Units    integer operations per second, two per multiply-add.
double measure_int8_ops(CpuStream& stream);

/// Reads `data` on all threads. Data much larger than the caches measures memory, small data a cache.
/// Units    bytes per second.
double measure_read_bandwidth(CpuStream& stream, const std::byte* data, int64_t bytes);

/// What one thread does between two looks at the clock, for one instruction set.
template <Isa kIsa, class T>
double multiply_adds(int64_t rounds);  // returns the operations done
template <Isa kIsa>
double int8_multiply_adds(int64_t rounds);
template <Isa kIsa>
uint64_t read_words(const std::byte* data, int64_t bytes);

}  // namespace maru::kernels
