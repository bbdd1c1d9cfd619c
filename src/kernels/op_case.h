// One description of an op at one shape and type, four uses: test against the reference, check the gradient,
// benchmark, and the generated table of supported ops (docs/ops.md). `testing.h` makes cases from problems.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "kernels/counting_stream.h"
#include "kernels/kernel.h"

namespace maru::kernels {

/// What cases run on: a device is another member.
using OpStream = std::variant<CpuStream*, CountingStream*>;

struct OpOutcome {
  double error = 0;    // largest |kernel - f64 reference| / computed tolerance over all outputs; at most 1 passes
  uint64_t bits = 0;   // hash of all outputs: must not depend on the thread count
  std::string detail;  // where the largest error is: "dx[17] = 0.5, expected 0.25 ± 1e-7"
};

/// Any of the functions may be empty: a large shape is only timed, an optimiser has no gradient.
struct OpCase {
  std::string op;                                            // "rms_norm"
  std::string type;                                          // "f32", "bf16"
  std::string shape;                                         // "512 x 768", and what is special about it
  double flops = 0;                                          // per run, forward and backward
  double bytes = 0;                                          // that must move at least
  std::function<OpOutcome(OpStream)> run;                    // forward and backward on fixed random inputs
  std::function<double()> gradient;                          // worst relative error of the reference's backward
                                                             // against complex step
  std::function<bool(OpStream)> rows_alone;                  // a row computed alone has the same bits as among others
  std::function<std::function<void(OpStream)>()> benchmark;  // prepares inputs, returns what is timed
};

/// Of all families of the library that is linked, in the order of its list, from which CMake makes this function. Those
/// of a family are added by `void <family>_cases(std::vector<OpCase>& cases)` in <family>/cases.cc.
std::vector<OpCase> all_op_cases();

}  // namespace maru::kernels
