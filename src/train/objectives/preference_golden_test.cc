// Losses and gradients against TRL's own: tests/golden/preference.json, which tests/reference/make_preference_golden.py
// writes.
#include "train/objectives/preference.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

using PreferenceGolden = TrlGolden;

TEST_F(PreferenceGolden, LossesAndGradientsAreTrls) {
  const Json golden = read_json("tests/golden/preference.json");
  const MicroBatch batch = batch_of_pairs(golden["pairs"]);
  ASSERT_GE(golden["cases"].size(), 30u);
  for (const Json& expected : golden["cases"]) {
    const std::string what = expected["preference"].dump();
    Preference objective({*model_, nullptr, reference_.get()},
                         from_json<PreferenceConfig>(expected["preference"], "golden"));
    compare(expected, objective, batch, what);
    const auto figures = objective.take_figures();
    EXPECT_NEAR(expected["accuracies"].get<double>(), figures.at("accuracy"), 1e-6) << what;
    EXPECT_NEAR(expected["margins"].get<double>(), figures.at("margin"), 1e-5) << what;
  }
}

}  // namespace
}  // namespace maru::train
