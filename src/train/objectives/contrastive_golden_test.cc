// Losses of vectors of texts against formulas written out in PyTorch: tests/golden/contrastive.json, which
// tests/reference/make_contrastive_golden.py writes.
#include "train/objectives/contrastive.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

class ContrastiveGolden : public TrlGolden {
 protected:
  static void add(MicroBatch& batch, const Json& tokens, double value) {
    batch.builder.add(tokens.get<std::vector<int32_t>>());
    batch.values.push_back(value);
  }
  MicroBatch queries() const {
    MicroBatch batch;
    for (const Json& group : golden_["groups"]) {
      add(batch, group["query"], 0), add(batch, group["positive"], 1), ++batch.counted;
      for (const Json& negative : group["negatives"]) add(batch, negative, 2);
    }
    return batch;
  }
  MicroBatch scored() const {
    MicroBatch batch;
    for (size_t i = 0; i < golden_["scores"].size(); ++i, ++batch.counted)
      for (const char* side : {"query", "positive"})
        add(batch, golden_["groups"][i][side], golden_["scores"][i].get<double>());
    return batch;
  }
  const Json golden_ = read_json("tests/golden/contrastive.json");
};

TEST_F(ContrastiveGolden, LossesAndGradientsAreThoseOfTheFormulas) {
  std::map<std::string, int> cases;
  for (const Json& expected : golden_["cases"]) {
    const auto name = expected["loss_of"].get<std::string>();
    const auto config = from_json<ContrastiveConfig>(expected["config"], "golden");
    SentenceEncoder texts(text_model(*model_), config.pooling == "lasttoken" ? Pooling::kLast : Pooling::kMean, 64);
    const bool scores = name == "cosent";
    Contrastive objective(texts, nullptr, nullptr, config, scores);
    compare(expected, objective, scores ? scored() : queries(), name + " " + expected["config"].dump());
    ++cases[name];
  }
  EXPECT_EQ(4, cases["info_nce"]);
  EXPECT_EQ(3, cases["cosent"]);
}

}  // namespace
}  // namespace maru::train
