// The one list of all ops.
#include "kernels/op_case.h"

namespace maru::kernels {

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> cases;
  activation_cases(cases);
  adamw_cases(cases);
  attention_cases(cases);
  add_cases(cases);
  bias_cases(cases);
  convert_cases(cases);
  embedding_cases(cases);
  layer_norm_cases(cases);
  linear_cross_entropy_cases(cases);
  lora_cases(cases);
  matmul_cases(cases);
  moe_cases(cases);
  muon_cases(cases);
  pooling_cases(cases);
  quantized_matmul_cases(cases);
  reduce_cases(cases);
  rms_norm_cases(cases);
  rope_cases(cases);
  swiglu_cases(cases);
  return cases;
}

}  // namespace maru::kernels
