// Which code a stream's instruction set leads to.
#include <gtest/gtest.h>

#include <set>

#include "kernels/op_case.h"

namespace maru::kernels {
namespace {

// Sums over lanes have another order on each instruction set, so equal bits would mean that one ran in place of
// another.
TEST(Dispatch, EachIsaRunsItsOwnCode) {
  std::set<uint64_t> bits;
  for (const OpCase& c : all_op_cases()) {
    if (c.op != "rms_norm" || c.type != "f32" || c.shape != "129 x 257") continue;
    for (Isa isa : supported_isas()) {
      ThreadPool pool(1);
      CpuStream stream{&pool, isa};
      bits.insert(c.run(&stream).bits);
    }
  }
  EXPECT_EQ(bits.size(), supported_isas().size());
}

}  // namespace
}  // namespace maru::kernels
