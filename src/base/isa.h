// Instruction sets that the CPU kernels are compiled for. The best one of the machine is chosen at run time;
// any lower one can be forced (`--isa`, or the environment variable MARU_ISA) for tests and comparisons.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace maru {

enum class Isa : uint8_t {
  kScalar,  // plain C++, any machine
  kAvx2,    // AVX2, FMA, F16C (x86-64-v3)
  kAvx512,  // AVX-512 F/BW/DQ/VL with BF16 and VNNI (Zen 4, Cooper Lake, Sapphire Rapids and later)
  kAmx,     // that, and AMX tiles of bfloat16 (Sapphire Rapids and later); bits of products differ from kAvx512's
};

std::string_view name_of(Isa isa);
/// The best instruction set of this machine. Of AMX the first call asks the system for leave to use tiles.
Isa best_isa();
/// All that this machine can run, worst first.
std::vector<Isa> supported_isas();
/// "auto", "scalar", "avx2", "avx512" or "amx". Throws kInvalidArgument on another name, kUnimplemented if the machine
/// lacks it.
Isa parse_isa(std::string_view name);

}  // namespace maru
