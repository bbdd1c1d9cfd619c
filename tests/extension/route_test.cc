// A new route is a struct, a function and one line: hosts, keys, methods, the form of errors follow from the table.
#include <gtest/gtest.h>

#include <sstream>

#include "api/openai/error.h"
#include "http/auth.h"
#include "http/json_body.h"
#include "http/openapi.h"
#include "http/test_request.h"

namespace maru::api {
namespace {

// --- the route ---------------------------------------------------------------------------------------------------

struct WordsRequest {
  std::string text;
  int64_t shortest = 1;

  static constexpr auto fields() {
    using C = WordsRequest;
    return std::tuple{field("text", &C::text, "in which words are counted"),
                      field("shortest", &C::shortest, "bytes of a word that counts").range(1, 100)};
  }
};

http::Reply words(const http::Request& http, const http::Wake&) {
  const auto request = http::read_fields<WordsRequest>(http::read_object(http.body));
  std::istringstream text(request.text);
  int64_t count = 0;
  for (std::string word; text >> word;) count += static_cast<int64_t>(word.size()) >= request.shortest;
  return {http::Response{.body = http::to_line({{"words", count}})}};
}

void add_routes(http::Router& router) {
  router.add({.method = http::Method::kPost,
              .pattern = "/v1/maru/words",
              .handler = words,
              .doc = "counts words",
              .body = http::body_schema<WordsRequest>});
}

// --- asked ---------------------------------------------------------------------------------------------------------

class RouteTest : public testing::Test {
 protected:
  void SetUp() override { add_routes(router_); }
  http::Response ask(http::Method method, const std::string& body, http::Headers headers = {}) const {
    headers.emplace_back("content-type", "application/json");
    headers.emplace_back("authorization", "Bearer secret");
    http::Request request = http::make(method, "/v1/maru/words", std::move(headers));
    request.body = body;
    return http::dispatch(router_, std::move(request));
  }
  Json error(const std::string& body) const {
    const http::Response response = ask(http::Method::kPost, body);
    EXPECT_EQ(400, response.status) << body;
    return http::json_of(response)["error"];
  }
  http::Router router_{std::make_unique<http::ApiKeys>(std::vector<std::string>{"secret"}), {}, {}, openai::kDialect};
};

TEST_F(RouteTest, Answers) {
  const http::Response response = ask(http::Method::kPost, R"({"text": "one or two", "shortest": 3})");
  EXPECT_EQ(200, response.status);
  EXPECT_EQ(R"({"words":2})", response.body);
  EXPECT_EQ(R"({"words":0})", ask(http::Method::kPost, "{}").body) << "fields have defaults";
}

TEST_F(RouteTest, NamesTheFieldAtFaultInTheDialectsForm) {
  EXPECT_EQ("shortest", error(R"({"shortest": 0})")["param"]);
  EXPECT_EQ("text", error(R"({"text": 5})")["param"]);
  EXPECT_EQ("invalid_json", error("{")["code"]);
  const std::string message = error(R"({"txet": "a"})")["message"];
  EXPECT_NE(std::string::npos, message.find("text")) << "the nearest: " << message;
}

TEST_F(RouteTest, TakesItsMethodAlone) {
  const http::Response response = ask(http::Method::kGet, "");
  EXPECT_EQ(405, response.status);
  EXPECT_EQ("POST, OPTIONS", http::find_header(response.headers, "Allow"));
  EXPECT_EQ("invalid_request_error", http::json_of(response)["error"]["type"]);
}

TEST_F(RouteTest, StandsInTheDescription) {
  const Json document = http::openapi(router_, "1");
  EXPECT_EQ("counts words", document["paths"]["/v1/maru/words"]["post"]["summary"]);
  EXPECT_EQ(100, document["components"]["schemas"]["WordsRequest"]["properties"]["shortest"]["maximum"]);
}

TEST_F(RouteTest, NeedsAKey) {
  const http::Response response = http::dispatch(router_, http::make(http::Method::kPost, "/v1/maru/words"));
  EXPECT_EQ(401, response.status);
  EXPECT_EQ("invalid_api_key", http::json_of(response)["error"]["code"]);
}

}  // namespace
}  // namespace maru::api
