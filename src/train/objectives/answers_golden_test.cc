// Losses, gradients and figures of KTO, ORPO and CPO against TRL's own: tests/golden/answers.json, which
// tests/reference/make_answers_golden.py writes.
#include "train/objectives/cpo.h"
#include "train/objectives/kto.h"
#include "train/objectives/orpo.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

class AnswersGolden : public TrlGolden {
 protected:
  // One answer of each pair by itself, with its label.
  MicroBatch labelled(const std::string& side) const {
    MicroBatch batch;
    for (const Json& pair : golden_["pairs"]) add_answer(batch, pair["prompt"], pair[side]);
    for (const Json& label : golden_["labels"]) batch.values.push_back(label.get<bool>() ? 1 : 0);
    batch.counted = static_cast<int64_t>(batch.values.size());
    return batch;
  }
  std::unique_ptr<AnswerObjective> make(const std::string& method, const Json& config) {
    const AnswerModels alone{*model_}, both{*model_, nullptr, reference_.get()};
    if (method == "kto") return std::make_unique<Kto>(both, from_json<KtoConfig>(config, "golden"), 64);
    if (method == "orpo") return std::make_unique<Orpo>(alone, from_json<OrpoConfig>(config, "golden"));
    return std::make_unique<Cpo>(alone, from_json<CpoConfig>(config, "golden"));
  }
  const Json golden_ = read_json("tests/golden/answers.json");
};

TEST_F(AnswersGolden, LossesGradientsAndFiguresAreTrls) {
  std::map<std::string, int> cases;
  double largest_kl = 0;
  for (const Json& expected : golden_["cases"]) {
    const auto method = expected["method"].get<std::string>();
    const std::string what = method + " " + expected["config"].dump();
    const auto objective = make(method, expected["config"]);
    compare(expected, *objective, method == "kto" ? labelled(expected["side"]) : batch_of_pairs(golden_["pairs"]),
            what);
    const auto figures = objective->take_figures();
    for (const auto& item : expected["figures"].items()) {
      const auto value = item.value().get<double>();
      EXPECT_NEAR(value, figures.at(item.key()), 2e-5 * std::max(1.0, std::abs(value))) << what << " " << item.key();
      if (item.key() == "kl") largest_kl = std::max(largest_kl, value);
    }
    ++cases[method];
  }
  EXPECT_GE(cases["kto"], 12);
  EXPECT_GE(cases["orpo"], 3);
  EXPECT_GE(cases["cpo"], 13);
  EXPECT_GT(largest_kl, 0) << "a z of zero would say nothing of how it is made";
}

}  // namespace
}  // namespace maru::train
