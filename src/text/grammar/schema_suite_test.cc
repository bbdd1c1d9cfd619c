// Another project's suite of schemas and values (../shared/data/suites/json_schema): every value that is valid must be
// reachable through the masks in some spelling, no value that is invalid may be. Schemas that are refused are counted:
// the counts may only shrink.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/file.h"
#include "text/grammar/testing.h"

namespace maru::text {
namespace {

const fs::path kSuite = "../shared/data/suites/json_schema/draft2020-12";

/// Files, and how many of their schemas are refused.
const std::map<std::string, int>& refused() {
  static const std::map<std::string, int> kRefused{{"additionalProperties", 1},
                                                   {"anchor", 3},
                                                   {"contains", 7},
                                                   {"defs", 1},
                                                   {"dependentRequired", 4},
                                                   {"dependentSchemas", 4},
                                                   {"dynamicRef", 20},
                                                   {"if-then-else", 8},
                                                   {"maxContains", 4},
                                                   {"minContains", 7},
                                                   {"multipleOf", 4},
                                                   {"not", 5},
                                                   {"oneOf", 8},
                                                   {"ref", 14},
                                                   {"refRemote", 15},
                                                   {"unevaluatedItems", 28},
                                                   {"unevaluatedProperties", 43},
                                                   {"uniqueItems", 3},
                                                   {"format/ecmascript-regex", 6},
                                                   {"format/idn-email", 1},
                                                   {"format/idn-hostname", 2},
                                                   {"format/iri-reference", 1},
                                                   {"format/iri", 1},
                                                   {"format/regex", 1},
                                                   {"format/unknown", 1},
                                                   {"format/uri-reference", 1},
                                                   {"format/uri-template", 1},
                                                   {"float-overflow", 1},
                                                   {"bignum", 4}};
  return kRefused;
}

/// How names of tests begin whose values are valid but never made, and why.
const std::map<std::string, std::string>& not_made() {
  static const std::string kLeap = "leap seconds cannot be foreseen", kParts = "an address in quotes or brackets",
                           kDigits = "more digits than are written", kLabels = "labels that encode others";
  static const std::map<std::string, std::string> kNotMade{
      {"vocabulary: schema that uses custom metaschema with with no validation vocabulary: no validation: invalid",
       "a metaschema of one's own turns nothing off"},
      {"format/date-time: validation of date-time strings: a valid date-time with a leap second", kLeap},
      {"format/date-time: validation of date-time strings: a second fraction of fifteen nines", kDigits},
      {"format/duration: validation of duration strings: a component with many digits", kDigits},
      {"format/email: validation of e-mail addresses: a quoted string", kParts},
      {"format/email: validation of e-mail addresses: an IPv4-address-literal", kParts},
      {"format/email: validation of e-mail addresses: an IPv6-address-literal", kParts},
      {"format/hostname: validation of host names: maximum label length (63)", "labels have at most 61 characters"},
      {"format/hostname: validation of host names: consecutive hyphens", kLabels},
      {"format/hostname: validation of A-label", kLabels},
      {"format/time: validation of time strings: a valid time string with leap second", kLeap},
      {"format/time: validation of time strings: valid leap second", kLeap},
      {"format/uri: validation of URIs: a valid URL with many special characters", "a user's name in it"},
      {"format/uri: validation of URIs: a valid URL: \"ldap://[", kParts},
      {"bignum: integer: a bignum is an integer", kDigits},
      {"bignum: integer: a negative bignum is an integer", kDigits}};
  return kNotMade;
}
bool is_not_made(const std::string& name) {
  return std::any_of(not_made().begin(), not_made().end(),
                     [&](const auto& one) { return name.starts_with(one.first); });
}

using Texts = std::vector<std::string>;
constexpr size_t kMaxSpellings = 2000;

Texts spellings(const Json& value);

// All ways to write a list of parts behind each other, with commas.
Texts combined(const std::vector<Texts>& parts, const std::string& open, const std::string& close) {
  Texts all{open};
  for (size_t i = 0; i < parts.size(); ++i) {
    Texts longer;
    for (const std::string& head : all)
      for (const std::string& part : parts[i])
        if (longer.size() < kMaxSpellings) longer.push_back(head + (i > 0 ? "," : "") + part);
    all = std::move(longer);
  }
  for (std::string& text : all) text += close;
  return all;
}

Texts spellings_of_object(const Json& value) {
  std::vector<size_t> order;
  std::vector<Texts> members;
  for (const auto& [key, member] : value.items()) {
    Texts texts = spellings(member);
    for (std::string& text : texts) text = Json(key).dump() + ":" + text;
    order.push_back(members.size());
    members.push_back(std::move(texts));
  }
  Texts all;
  do {
    std::vector<Texts> parts;
    for (const size_t i : order) parts.push_back(members[i]);
    for (std::string& text : combined(parts, "{", "}")) all.push_back(std::move(text));
  } while (all.size() < kMaxSpellings && std::next_permutation(order.begin(), order.end()));
  return all;
}

/// Members in every order; whole numbers as integers too.
Texts spellings(const Json& value) {
  if (value.is_object()) return spellings_of_object(value);
  if (value.is_array()) {
    std::vector<Texts> parts;
    for (const Json& element : value) parts.push_back(spellings(element));
    return combined(parts, "[", "]");
  }
  Texts all{value.dump()};
  if (value.is_number_float() && std::abs(value.get<double>()) < 1e18 &&
      value.get<double>() == std::floor(value.get<double>()))
    all.push_back(std::to_string(static_cast<int64_t>(value.get<double>())));
  return all;
}

class Suite {
 public:
  Suite(const std::string& folder, const fs::path& path)
      : name_(folder + path.stem().string()), groups_(read_json(path)) {}

  void run() {
    int count = 0;
    for (const Json& group : groups_) count += !run(group);
    const auto it = refused().find(name_);
    const int expected = it == refused().end() ? 0 : it->second;
    EXPECT_EQ(expected, count) << name_ << ": " << why_;
  }

 private:
  // False: refused.
  bool run(const Json& group) {
    const std::string place = name_ + ": " + group["description"].get<std::string>();
    std::shared_ptr<const Grammar> grammar;
    try {
      grammar = compile_json_schema(JsonNode(group["schema"], "schema"));
    } catch (const Failure& failure) {
      if (failure.error().message.ends_with("no value fulfils the schema")) {
        for (const Json& test : group["tests"]) EXPECT_FALSE(test["valid"].get<bool>()) << place;
        return true;
      }
      EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
      EXPECT_THAT(failure.error().message, testing::StartsWith("schema")) << place;
      why_ += "\n  " + failure.error().message;
      return false;
    }
    for (const Json& test : group["tests"]) check(grammar, test, place);
    return true;
  }

  static void check(const std::shared_ptr<const Grammar>& grammar, const Json& test, const std::string& place) {
    const Texts texts = spellings(test["data"]);
    const bool made = std::any_of(texts.begin(), texts.end(), [&](const auto& text) { return reaches(grammar, text); });
    const std::string name = place + ": " + test["description"].get<std::string>() + ": " + texts[0];
    const bool valid = test["valid"].get<bool>() && !is_not_made(name);
    EXPECT_EQ(valid, made) << name;
  }

  std::string name_, why_;
  Json groups_;
};

TEST(SchemaSuite, WhatIsValidIsReachableAndNothingElse) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "needs " << kSuite;
  for (const fs::path& path : list_files(kSuite))
    if (path.parent_path() == kSuite && path.stem() != "format") Suite("", path).run();
}

TEST(SchemaSuite, Formats) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "needs " << kSuite;
  for (const fs::path& path : list_files(kSuite / "optional/format")) Suite("format/", path).run();
  for (const char* name : {"ecmascript-regex", "non-bmp-regex", "no-schema", "float-overflow", "bignum"})
    Suite("", kSuite / "optional" / (std::string(name) + ".json")).run();
}

}  // namespace
}  // namespace maru::text
