#include "base/json_node.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/file.h"
#include "base/request_failure.h"

namespace maru {
namespace {

using testing::HasSubstr;

const Json kModel = parse_json(R"({
  "text": "a", "flag": true, "whole": 3, "whole_float": 3.0, "half": 0.5, "minus": -1, "null": null,
  "huge": 18446744073709551615, "list": ["x", {"id": 7}], "model": {"vocab": [1, [2]], "type": "B"}
})",
                               "test")
                        .value();
const JsonNode kRoot(kModel, "t.json");

/// "code message".
template <class F>
std::string error_of(const F& f) {
  try {
    f();
    return "no error";
  } catch (const Failure& e) {
    return std::string(name_of(e.code())) + " " + e.what();
  }
}

TEST(JsonNode, ReadsEachKindAsItself) {
  EXPECT_EQ("a", kRoot["text"].string());
  EXPECT_TRUE(kRoot["flag"].boolean());
  EXPECT_EQ(0.5, kRoot["half"].number());
  EXPECT_EQ(3, kRoot["whole"].number());
  EXPECT_EQ(3, kRoot["whole"].integer());
  EXPECT_EQ(3, kRoot["whole_float"].integer());
  EXPECT_EQ(-1, kRoot["minus"].integer({.low = -1, .high = 5}));
  EXPECT_EQ(UINT64_MAX, kRoot["huge"].count());
  EXPECT_EQ(7, kRoot["list"].at(1)["id"].integer());
  const Json made = 5;  // signed, as no parser makes it
  EXPECT_EQ(5u, JsonNode(made, "").count());
}

TEST(JsonNode, NullAndMissingAreOtherwise) {
  for (const char* key : {"null", "none"}) {
    const JsonNode node = kRoot[key];
    EXPECT_EQ("o", node.string("o"));
    EXPECT_TRUE(node.boolean(true));
    EXPECT_EQ(0.25, node.number(0.25));
    EXPECT_EQ(9, node.integer(9, {.low = 0, .high = 1})) << "a default is not checked";
    EXPECT_EQ(9u, node.count(9));
    EXPECT_EQ(std::nullopt, node.string(std::nullopt));
    EXPECT_EQ(std::nullopt, node.boolean(std::nullopt));
    EXPECT_EQ(std::nullopt, node.number(std::nullopt));
    EXPECT_TRUE(node.is_null());
    EXPECT_TRUE(node["deeper"]["still"].is_missing());
  }
  EXPECT_TRUE(kRoot["none"].is_missing());
  EXPECT_FALSE(kRoot["null"].is_missing());
  EXPECT_EQ("a", kRoot["text"].string(std::nullopt));
  EXPECT_EQ(true, kRoot["flag"].boolean(std::nullopt));
  EXPECT_EQ(0.5, kRoot["half"].number(std::nullopt));
  EXPECT_EQ(3, kRoot["whole"].integer(9));
}

TEST(JsonNode, ErrorsNameThePlaceWhatWasExpectedAndWhatCame) {
  const std::string code = "invalid_argument t.json: ";
  EXPECT_EQ(code + "whole: expected a string, got 3", error_of([] { kRoot["whole"].string(); }));
  EXPECT_EQ(code + "whole: expected a string, got 3", error_of([] { kRoot["whole"].string("x"); }));
  EXPECT_EQ(code + "null: expected a string, got null", error_of([] { kRoot["null"].string(); }));
  EXPECT_EQ(code + "none: is missing, expected a string", error_of([] { kRoot["none"].string(); }));
  EXPECT_EQ(code + "none.deeper: is missing, expected a list", error_of([] { kRoot["none"]["deeper"].size(); }));
  EXPECT_EQ(code + "text: expected true or false, got \"a\"", error_of([] { kRoot["text"].boolean(false); }));
  EXPECT_EQ(code + "flag: expected a number, got true", error_of([] { kRoot["flag"].number(); }));
  EXPECT_EQ(code + "whole: expected a number from 0 to 2.5, got 3", error_of([] { kRoot["whole"].number({0, 2.5}); }));
  EXPECT_EQ(code + "half: expected a whole number, got 0.5", error_of([] { kRoot["half"].integer(); }));
  EXPECT_EQ(code + "huge: expected a whole number, got 18446744073709551615",
            error_of([] { kRoot["huge"].integer(); }));
  EXPECT_EQ(code + "text: expected a whole number of at least 1, got \"a\"",
            error_of([] { kRoot["text"].integer({.low = 1}); }));
  EXPECT_EQ(code + "whole: expected a whole number of at most 2, got 3",
            error_of([] { kRoot["whole"].integer(0, {.high = 2}); }));
  for (const char* key : {"minus", "whole_float", "text", "null"})
    EXPECT_THAT(error_of([&] { kRoot[key].count(); }), HasSubstr("expected a whole number of at least 0, got "));
  EXPECT_EQ(code + "text: expected an object, got \"a\"", error_of([] { kRoot["text"]["x"]; }));
  EXPECT_EQ(code + "list: expected an object, got [\"x\",{\"id\":7}]", error_of([] { kRoot["list"].members(); }));
  EXPECT_EQ(code + "text: expected a list, got \"a\"", error_of([] { kRoot["text"].elements(); }));
  EXPECT_EQ(code + "model.vocab[1][0]: expected a string, got 2",
            error_of([] { kRoot["model"]["vocab"].at(1).at(0).string(); }));
  EXPECT_EQ(code + "list[1].id: nobody has it",
            error_of([] { kRoot["list"].elements()[1]["id"].refuse("nobody has it"); }));
  EXPECT_EQ("unimplemented t.json: text: the kind \"a\" is not supported",
            error_of([] { kRoot["text"].unsupported("the kind \"a\""); }));
}

TEST(JsonNode, ListsAndObjectsAreWalkedInOrder) {
  std::string all;
  for (const auto& [name, value] : kRoot["model"].members()) all += name + "=" + value.where() + ";";
  for (const JsonNode& element : kRoot["model"]["vocab"].elements()) all += element.where() + ";";
  EXPECT_EQ("vocab=t.json: model.vocab;type=t.json: model.type;t.json: model.vocab[0];t.json: model.vocab[1];", all);
}

TEST(JsonNode, ThePlaceOfTheOutermostValueIsTheFile) {
  const Json list = Json::array({Json::object()}), text = "x";
  EXPECT_EQ("invalid_argument m.json[0].type: is missing, expected a string",
            error_of([&] { JsonNode(list, "m.json").at(0)["type"].string(); }));
  EXPECT_EQ("invalid_argument a.jsonl:3: expected an object, got \"x\"",
            error_of([&] { JsonNode(text, "a.jsonl:3")["text"]; }));
  EXPECT_EQ("invalid_argument whole: expected a string, got 3",
            error_of([] { JsonNode(kModel, "")["whole"].string(); }));
}

TEST(JsonNode, TheCodeIsTheCallersAndGoesDown) {
  const JsonNode root(kModel, "w", ErrorCode::kDataLoss);
  EXPECT_EQ("data_loss w: list[1].id: expected a string, got 7", error_of([&] { root["list"].at(1)["id"].string(); }));
  EXPECT_THAT(error_of([&] { root["text"].unsupported("it"); }), HasSubstr("unimplemented"));
}

TEST(JsonNode, RequestsNameTheFieldApart) {
  const auto field_of = [](const auto& f) {
    try {
      f();
      return std::string("no error");
    } catch (const RequestFailure& e) {
      return e.field() + " | " + e.what();
    }
  };
  const JsonNode body = JsonNode::of_request(kModel, ""), list = JsonNode::of_request(kModel["list"], "stop");
  EXPECT_EQ("model.vocab[0] | model.vocab[0]: expected a string, got 1",
            field_of([&] { body["model"]["vocab"].at(0).string(); }));
  EXPECT_EQ("stop[1].id | stop[1].id: expected a string, got 7", field_of([&] { list.at(1)["id"].string(); }));
  EXPECT_EQ("stop | stop: is too long", field_of([&] { list.refuse("is too long"); }));
  const JsonNode object = JsonNode::of_request(kModel["model"], "bias");
  EXPECT_EQ("bias.vocab | bias.vocab: expected a number, got [1,[2]]", field_of([&] { object["vocab"].number(); }));
}

TEST(JsonNode, RepeatsLittleOfWhatStrangersWrote) {
  const std::string big(5000, 'k');
  const Json json{{big, big}};
  EXPECT_LT(error_of([&] { JsonNode(json, "t")[big].number(); }).size(), 300u);
  EXPECT_LT(error_of([&] { JsonNode(json, "t").unsupported(big); }).size(), 300u);
}

TEST(JsonFile, HoldsAnObject) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("maru_node_" + std::to_string(::getpid()));
  EXPECT_EQ("invalid_argument " + path.string() + ": x: is missing, expected a string", error_of([&] {
              const JsonFile none = JsonFile::optional(path);
              none["x"].string();
            }));
  EXPECT_THAT(error_of([&] { JsonFile file(path); }), HasSubstr("not_found"));
  write_file(path, R"({"x": 5})");
  const JsonFile file(path, ErrorCode::kDataLoss);
  EXPECT_EQ(5, file["x"].integer());
  const JsonFile same = JsonFile::optional(path);
  EXPECT_EQ(5, same.root()["x"].integer());
  EXPECT_EQ("data_loss " + path.string() + ": x: expected a string, got 5", error_of([&] { file["x"].string(); }));
  write_file(path, "[1]");
  EXPECT_EQ("data_loss " + path.string() + ": expected an object, got [1]",
            error_of([&] { JsonFile list(path, ErrorCode::kDataLoss); }));
  EXPECT_EQ("invalid_argument " + path.string() + ": expected an object, got [1]",
            error_of([&] { JsonFile::optional(path); }));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace maru
