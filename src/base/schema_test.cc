#include "base/schema.h"

#include <gtest/gtest.h>

#include "base/test_schema.h"

namespace maru {
namespace {

struct Step {
  std::string name;
  double share = 0.5;
  static constexpr auto fields() {
    return std::tuple{field("name", &Step::name, "what it is called"),
                      field("share", &Step::share, "of all").range(0, 1)};
  }
};

struct Plan {
  int64_t steps = 100;
  uint8_t small = 3;
  bool resume = false;
  std::string shape = "cosine";
  std::optional<std::string> word;
  std::optional<int64_t> seed, noted;
  std::vector<int64_t> sizes{1, 2};
  std::map<std::string, double> weights;
  Step first;
  std::optional<Step> last;
  std::vector<Step> others;
  Json extra;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Plan::steps, "how many").range(1, 1e12),
                      field("small", &Plan::small, ""),
                      field("resume", &Plan::resume, ""),
                      field("shape", &Plan::shape, "").one_of("cosine|wsd"),
                      field("word", &Plan::word, "").one_of("yes|no"),
                      field("seed", &Plan::seed, ""),
                      field("noted", &Plan::noted, "").unless_empty(),
                      field("sizes", &Plan::sizes, "each").range(0, 9),
                      field("weights", &Plan::weights, ""),
                      field("first", &Plan::first, "of them"),
                      field("last", &Plan::last, ""),
                      field("others", &Plan::others, ""),
                      field("extra", &Plan::extra, "anything")};
  }
};

/// A table that goes on with another's.
struct LongStep : Step {
  int64_t length = 1;
  static constexpr auto fields() {
    return std::tuple_cat(Step::fields(), std::tuple{field("length", &LongStep::length, "")});
  }
};

Json parsed(const char* text) { return parse_json(text, "expected").value(); }

Json properties(Way way) {
  Schemas schemas("#/$defs/");
  EXPECT_EQ(parsed(R"({"$ref": "#/$defs/Plan"})"), schemas.add<Plan>(way));
  return schemas.all()["Plan"]["properties"];
}

TEST(Schema, SaysWhatTheTableSays) {
  Json got = properties(Way::kRead);
  EXPECT_EQ(parsed(R"({
    "steps": {"type": "integer", "minimum": 1, "maximum": 1000000000000, "description": "how many", "default": 100},
    "small": {"type": "integer", "minimum": 0, "maximum": 255, "default": 3},
    "resume": {"type": "boolean", "default": false},
    "shape": {"type": "string", "enum": ["cosine", "wsd"], "default": "cosine"},
    "word": {"type": ["string", "null"], "enum": ["yes", "no", null]},
    "seed": {"type": ["integer", "null"]},
    "noted": {"type": "integer"},
    "sizes": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9},
              "description": "each", "default": [1, 2]},
    "weights": {"type": "object", "additionalProperties": {"type": "number"}},
    "first": {"$ref": "#/$defs/Step", "description": "of them"},
    "last": {"anyOf": [{"$ref": "#/$defs/Step"}, {"type": "null"}]},
    "others": {"type": "array", "items": {"$ref": "#/$defs/Step"}},
    "extra": {"description": "anything"}})"),
            got);
}

TEST(Schema, OfWhatIsWrittenSaysWhatIsThere) {
  Schemas schemas("#/$defs/");
  schemas.add<Plan>(Way::kWritten);
  EXPECT_EQ(parsed(R"(["steps", "small", "resume", "shape", "word", "seed", "sizes", "weights", "first", "last",
                       "others", "extra"])"),
            schemas.all()["Plan"]["required"]);
  EXPECT_EQ(parsed(R"({"type": "object", "properties": {
      "name": {"type": "string", "description": "what it is called"},
      "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "of all"}},
      "required": ["name", "share"]})"),
            schemas.all()["Step"])
      << "no defaults: all of it is written";
}

TEST(Schema, OfABodyTakesNullForNothing) {
  const Json got = properties(Way::kBody);
  EXPECT_EQ(parsed(R"(["integer", "null"])"), got["steps"]["type"]);
  EXPECT_TRUE(got["first"].contains("anyOf"));
  EXPECT_EQ(parsed(R"({"type": ["string", "null"], "enum": ["cosine", "wsd", null], "default": "cosine"})"),
            got["shape"]);
}

TEST(Schema, HasTheFieldsOfWhatAStructGoesOnWith) {
  Schemas schemas("#/$defs/");
  schemas.add<LongStep>(Way::kRead);
  EXPECT_EQ(0.5, schemas.all()["LongStep"]["properties"]["share"]["default"]);
  EXPECT_EQ(3u, schemas.all()["LongStep"]["properties"].size());
}

TEST(Schema, FitsWhatIsWrittenAndRead) {
  Schemas schemas("#/$defs/");
  const Json plan = schemas.add<Plan>(Way::kWritten);
  Plan full{.word = "no", .noted = 4, .weights = {{"a", 0.5}}, .last = Step{"b"}, .others = {{"c", 1}}};
  for (const Plan& one : {Plan{}, full}) EXPECT_EQ("", misfit(to_json(one), plan, schemas.all()));
  full.others[0].share = 1.5;
  EXPECT_EQ("$.others[0].share: out of bounds", misfit(to_json(full), plan, schemas.all()));
  EXPECT_EQ("$: lacks steps", misfit(Json::object(), plan, schemas.all()));
}

}  // namespace
}  // namespace maru
