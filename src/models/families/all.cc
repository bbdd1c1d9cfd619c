// The list of families: one line each.
#include "models/registry.h"

// In the order in which they are tried for a configuration that names none: the plainer ones first.
#define MARU_FAMILIES(FAMILY) \
  FAMILY(kLlama)              \
  FAMILY(kQwen3)              \
  FAMILY(kHyperClovaX)        \
  FAMILY(kGranite)            \
  FAMILY(kMistral)            \
  FAMILY(kQwen2)              \
  FAMILY(kExaone)             \
  FAMILY(kExaone4)            \
  FAMILY(kGemma2)             \
  FAMILY(kGemma3)             \
  FAMILY(kPhi3)               \
  FAMILY(kGptNeoX)            \
  FAMILY(kGpt2)               \
  FAMILY(kMixtral)            \
  FAMILY(kQwen3Moe)           \
  FAMILY(kSolarOpen)

namespace maru {
namespace families {

#define MARU_DECLARE(name) extern const Family name;
MARU_FAMILIES(MARU_DECLARE)

}  // namespace families

std::span<const Family* const> all_families() {
#define MARU_ADDRESS(name) &families::name,
  static constexpr const Family* kAll[] = {MARU_FAMILIES(MARU_ADDRESS)};
  return kAll;
}

}  // namespace maru
