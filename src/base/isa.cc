#include "base/isa.h"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <string>

#include "base/error.h"

namespace maru {
namespace {

#if defined(__x86_64__)
// Linux gives out the 8 KiB of tiles to those who ask (Documentation/arch/x86/xstate.rst). It refuses where a signal
// stack has no room for them.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
#else
  return false;
#endif
}

Isa find_best_isa() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
  if (!avx2) return Isa::kScalar;
  if (!avx512) return Isa::kAvx2;
  const bool amx = __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16");
  return amx && may_use_tiles() ? Isa::kAmx : Isa::kAvx512;
}
#endif

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::kScalar: return "scalar";
    case Isa::kAvx2: return "avx2";
    case Isa::kAvx512: return "avx512";
    case Isa::kAmx: return "amx";
  }
  return "?";
}

Isa best_isa() {
#if defined(__x86_64__)
  static const Isa kBest = find_best_isa();
  return kBest;
#else
  return Isa::kScalar;
#endif
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (int i = 0; i <= static_cast<int>(best_isa()); ++i) isas.push_back(static_cast<Isa>(i));
  return isas;
}

Isa parse_isa(std::string_view name) {
  if (name == "auto" || name.empty()) return best_isa();
  for (Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (name != name_of(isa)) continue;
    if (isa > best_isa())
      throw Failure(ErrorCode::kUnimplemented, "isa: this machine has no " + std::string(name) + "; its best is " +
                                                   std::string(name_of(best_isa())));
    return isa;
  }
  throw Failure(ErrorCode::kInvalidArgument,
                "isa: expected auto, scalar, avx2, avx512 or amx, got \"" + std::string(name) + "\"");
}

}  // namespace maru
