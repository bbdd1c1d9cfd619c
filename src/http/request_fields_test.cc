#include "http/request_fields.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"

namespace maru::http {
namespace {

struct Body {
  std::string model;
  double temperature = 1;
  static constexpr auto fields() {
    return std::tuple{field("model", &Body::model, "which"), field("temperature", &Body::temperature, "how hot")};
  }
};

BodyFields fields() {
  return body_fields<Body>("body", {{"user", "*", "a name"}, {"store", "false|0", "keep it"}, {"audio", "", "sound"}});
}

/// The field at fault and its word; empty: none is.
std::string fault(const Json& body, bool ignore_unknown = false) {
  std::vector<std::string> warnings;
  try {
    take_fields(body, fields(), ignore_unknown, warnings);
  } catch (const RequestFailure& failure) {
    return failure.field() + " " + failure.word();
  }
  return "";
}

TEST(TakeFields, KeepsWhatIsReadAndDropsWhatIsPassed) {
  std::vector<std::string> warnings;
  const Json body{{"model", "m"}, {"user", {1, 2}}, {"store", false}};
  EXPECT_EQ((Json{{"model", "m"}}), take_fields(body, fields(), false, warnings));
  EXPECT_TRUE(warnings.empty());
}

TEST(TakeFields, RefusesWhatChangesTheAnswerByName) {
  EXPECT_EQ("store unsupported_parameter", fault({{"store", true}}));
  EXPECT_EQ("", fault({{"store", 0}}));
  EXPECT_EQ("audio unsupported_parameter", fault({{"audio", Json::object()}}));
  EXPECT_EQ("audio unsupported_parameter", fault({{"audio", Json::object()}}, true)) << "it is known, and asked for";
  EXPECT_EQ("tempature unknown_parameter", fault({{"tempature", 1}}));
}

TEST(TakeFields, IgnoresTheUnknownWithAWarningWhereItIsToldTo) {
  std::vector<std::string> warnings;
  const Json body{{"model", "m"}, {"tempature", 1}, {"a\r\nSet-Cookie: x\x7F\xED\x95\x9C", 1}};
  EXPECT_EQ((Json{{"model", "m"}}), take_fields(body, fields(), true, warnings));
  ASSERT_EQ(2u, warnings.size());
  EXPECT_EQ("tempature: not known to this server, and ignored; did you mean 'temperature'?", warnings[0]);
  EXPECT_EQ("a??Set-Cookie: x????: not known to this server, and ignored", warnings[1]) << "a header holds it";
}

TEST(TakeFields, SaysLittleOfMuch) {
  std::vector<std::string> warnings;
  Json body = Json::object();
  for (int i = 0; i < 500; ++i) body[std::string(2000, 'x') + std::to_string(i)] = 1;
  take_fields(body, fields(), true, warnings);
  EXPECT_EQ(16u, warnings.size());
  for (const std::string& warning : warnings) EXPECT_LT(warning.size(), 200u);
}

}  // namespace
}  // namespace maru::http
