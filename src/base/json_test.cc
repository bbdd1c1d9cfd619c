#include "base/json.h"

#include <gmock/gmock.h>

namespace maru {
namespace {

TEST(Json, ErrorsNameFileLineAndColumn) {
  const auto result = parse_json("{\n  \"a\": tru\n}", "x.json");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, testing::StartsWith("x.json:2:"));
}

TEST(Json, RefusesHostileNesting) {
  EXPECT_FALSE(parse_json(std::string(300, '[') + std::string(300, ']'), "x").ok());
  EXPECT_TRUE(parse_json(std::string(200, '[') + std::string(200, ']'), "x").ok());
}

TEST(Yaml, ScalarsHaveTheTypesTheyLookLike) {
  const Json json =
      parse_yaml("{a: 1, b: 1.5, c: 1e-3, d: true, e: null, f: '1', g: text, h: 1.2.3, i: '', j: nan}", "x").value();
  EXPECT_EQ(R"({"a":1,"b":1.5,"c":0.001,"d":true,"e":null,"f":"1","g":"text","h":"1.2.3","i":"","j":"nan"})",
            json.dump());
}

TEST(Yaml, ErrorsNameTheLine) {
  EXPECT_THAT(parse_yaml("a: 1\nb: [1, 2\n", "r.yaml").error().message, testing::StartsWith("r.yaml:"));
  EXPECT_THAT(parse_yaml("a: 1\na: 2\n", "r.yaml").error().message,
              testing::StartsWith("r.yaml:2: key \"a\" appears twice"));
}

}  // namespace
}  // namespace maru
