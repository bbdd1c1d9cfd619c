// Which code a stream's instruction set leads to.
#include <gtest/gtest.h>

#include <set>

#include "kernels/op_case.h"

namespace maru::kernels {
namespace {

// Sums over lanes have another order on each instruction set, so equal bits would mean that one ran in place of
// another.
std::set<uint64_t> bits_of(const std::string& op, const std::string& type, const std::string& shape) {
  std::set<uint64_t> bits;
  for (const OpCase& c : all_op_cases()) {
    if (c.op != op || c.type != type || c.shape != shape) continue;
    for (Isa isa : supported_isas()) {
      ThreadPool pool(1);
      CpuStream stream{&pool, isa};
      bits.insert(c.run(&stream).bits);
    }
  }
  return bits;
}

TEST(Dispatch, EachIsaRunsItsOwnCode) {
  const size_t tiles = best_isa() == Isa::kAmx ? 1 : 0;
  EXPECT_EQ(bits_of("rms_norm", "f32", "129 x 257").size(), supported_isas().size() - tiles);
}

}  // namespace
}  // namespace maru::kernels
