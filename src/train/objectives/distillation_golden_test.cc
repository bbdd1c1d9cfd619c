// Losses and gradients against TRL's own and the paper's equation: tests/golden/distillation.json, which
// tests/reference/make_distillation_golden.py writes. The teacher is what is a reference elsewhere.
#include "train/objectives/distillation.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

using DistillationGolden = TrlGolden;

TEST_F(DistillationGolden, LossesAndGradientsAreTrls) {
  const Json golden = read_json("tests/golden/distillation.json");
  MicroBatch batch;
  for (const Json& sequence : golden["sequences"]) add_answer(batch, sequence["prompt"], sequence["answer"]);
  for (const int32_t target : batch.targets) batch.counted += target >= 0;
  ASSERT_EQ(13u, golden["cases"].size());
  for (const Json& expected : golden["cases"]) {
    Distillation objective(*model_, *reference_, from_json<DistillConfig>(expected["distill"], "golden"));
    compare(expected, objective, batch, expected["distill"].dump());
  }
}

}  // namespace
}  // namespace maru::train
