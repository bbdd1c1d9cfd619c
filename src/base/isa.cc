#include "base/isa.h"

#include <string>

#include "base/error.h"

namespace maru {

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
  }
  return "?";
}

Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
  if (avx2 && avx512) return Isa::kAvx512;
  if (avx2) return Isa::kAvx2;
#endif
  return Isa::kScalar;
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (int i = 0; i <= static_cast<int>(best_isa()); ++i) isas.push_back(static_cast<Isa>(i));
  return isas;
}

Isa parse_isa(std::string_view name) {
  if (name == "auto" || name.empty()) return best_isa();
  for (Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (name != name_of(isa)) continue;
    if (isa > best_isa())
      throw Failure(ErrorCode::kUnimplemented, "isa: this machine has no " + std::string(name) + "; its best is " +
                                                   std::string(name_of(best_isa())));
    return isa;
  }
  throw Failure(ErrorCode::kInvalidArgument,
                "isa: expected auto, scalar, avx2 or avx512, got \"" + std::string(name) + "\"");
}

}  // namespace maru
