#include "base/fields.h"

#include <gmock/gmock.h>

namespace maru {
namespace {

struct Optim {
  double lr = 3e-4;
  std::string schedule = "cosine";
  static constexpr auto fields() {
    return std::tuple{field("lr", &Optim::lr, "peak learning rate").range(0, 10),
                      field("schedule", &Optim::schedule, "shape").one_of("cosine|wsd")};
  }
};

struct Recipe {
  int64_t steps = 100;
  int32_t small = 0;
  bool resume = true;
  std::optional<int64_t> seed;
  std::vector<std::string> inputs;
  Optim optim;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Recipe::steps, "number of steps").range(1, 1e12),
                      field("small", &Recipe::small, ""),
                      field("resume", &Recipe::resume, ""),
                      field("seed", &Recipe::seed, ""),
                      field("inputs", &Recipe::inputs, ""),
                      field("optim", &Recipe::optim, "")};
  }
};

Recipe read(const char* yaml, std::vector<std::string> overrides = {}) {
  Json json = parse_yaml(yaml, "r.yaml").value();
  apply_overrides(json, overrides);
  return from_json<Recipe>(json, "r.yaml");
}

std::string error_of(const char* yaml, std::vector<std::string> overrides = {}) {
  try {
    read(yaml, overrides);
    return "no error";
  } catch (const Failure& e) {
    return e.error().message;
  }
}

TEST(Fields, ReadsOverDefaultsAndOverrides) {
  const Recipe r = read("steps: 5\noptim: {lr: 0.5}\ninputs: [a, 'b']", {"optim.schedule=wsd", "seed=9"});
  EXPECT_EQ(5, r.steps);
  EXPECT_EQ(0.5, r.optim.lr);
  EXPECT_EQ("wsd", r.optim.schedule);
  EXPECT_EQ(9, r.seed);
  EXPECT_THAT(r.inputs, testing::ElementsAre("a", "b"));
  EXPECT_TRUE(r.resume);
}

struct Sparse {
  std::optional<int64_t> count;
  std::string note;
  std::map<std::string, int64_t> sizes;
  std::map<std::string, Optim> named;
  static constexpr auto fields() {
    return std::tuple{field("count", &Sparse::count, "").unless_empty(),
                      field("note", &Sparse::note, "").unless_empty(), field("sizes", &Sparse::sizes, "").range(0, 9),
                      field("named", &Sparse::named, "").unless_empty()};
  }
};

TEST(Fields, WritesWhatMayLackOnlyWhereItIs) {
  EXPECT_EQ(R"({"sizes":{}})", to_json(Sparse{}).dump());
  const Sparse full{.count = 0, .note = "n", .sizes = {{"b", 2}, {"a", 1}}, .named = {{"x", {.lr = 1}}}};
  EXPECT_EQ(R"({"count":0,"note":"n","sizes":{"a":1,"b":2},"named":{"x":{"lr":1.0,"schedule":"cosine"}}})",
            to_json(full).dump());
  EXPECT_EQ(to_json(full), to_json(from_json<Sparse>(to_json(full), "")));
}

TEST(Fields, ReadsMapsByTheirKeys) {
  const auto error_of = [](const char* json) {
    try {
      from_json<Sparse>(parse_json(json, "").value(), "s");
      return std::string("no error");
    } catch (const Failure& e) {
      return e.error().message;
    }
  };
  EXPECT_EQ("s: sizes.a: expected a whole number from 0 to 9, got 10", error_of(R"({"sizes":{"b":1,"a":10}})"));
  EXPECT_EQ("s: named.x.lr: expected a number from 0 to 10, got 11", error_of(R"({"named":{"x":{"lr":11}}})"));
  EXPECT_EQ("s: sizes: expected an object, got [1]", error_of(R"({"sizes":[1]})"));
}

TEST(Fields, RoundTrips) {
  const Recipe r = read("{steps: 7, seed: 3, inputs: [x], resume: false}");
  EXPECT_EQ(to_json(r), to_json(from_json<Recipe>(to_json(r), "")));
}

TEST(Fields, NamesTheFieldAndWhatWasExpected) {
  EXPECT_EQ("r.yaml: optim.lr: expected a number from 0 to 10, got \"abc\"", error_of("optim: {lr: abc}"));
  EXPECT_EQ("r.yaml: optim.lr: expected a number from 0 to 10, got -1", error_of("optim: {lr: -1}"));
  EXPECT_EQ("r.yaml: steps: expected a whole number from 1 to 1000000000000, got 1.5", error_of("steps: 1.5"));
  EXPECT_EQ("r.yaml: steps: expected a whole number from 1 to 1000000000000, got 0", error_of("steps: 0"));
  EXPECT_THAT(error_of("small: 3000000000"),
              testing::HasSubstr("r.yaml: small: expected a whole number from -2147483648"));
  EXPECT_EQ("r.yaml: optim.schedule: expected one of: cosine wsd, got \"linear\"",
            error_of("optim: {schedule: linear}"));
  EXPECT_EQ("r.yaml: inputs[1]: expected a string, got 3", error_of("inputs: [a, 3]"));
}

TEST(Fields, SuggestsTheNearestKey) {
  EXPECT_EQ("r.yaml: unknown key \"step\"; did you mean \"steps\"?", error_of("step: 5"));
  EXPECT_EQ("r.yaml: optim: unknown key \"schedul\"; did you mean \"schedule\"?", error_of("optim: {schedul: wsd}"));
  EXPECT_EQ("r.yaml: unknown key \"qqqqqqqqq\"", error_of("", {"qqqqqqqqq=1"}));
}

TEST(Fields, RefusesABadOverride) {
  EXPECT_THAT(error_of("steps: 1", {"steps"}), testing::HasSubstr("expected key=value"));
  EXPECT_THAT(error_of("steps: 1", {"steps.x=1"}), testing::HasSubstr("is not a section"));
}

TEST(Fields, DescribesEveryField) {
  EXPECT_THAT(describe_fields<Recipe>(), testing::HasSubstr("optim.schedule = \"cosine\""));
}

}  // namespace
}  // namespace maru
