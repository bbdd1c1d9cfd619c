// The one list of all ops.
#include "kernels/op_case.h"

namespace maru::kernels {

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> cases;
  matmul_cases(cases);
  rms_norm_cases(cases);
  return cases;
}

}  // namespace maru::kernels
