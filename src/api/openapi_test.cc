#include "http/openapi.h"

#include <gtest/gtest.h>

#include "api/anthropic/error.h"
#include "api/anthropic/request.h"
#include "api/openai/error.h"
#include "api/openai/request.h"
#include "api/test_server.h"
#include "base/test_schema.h"

namespace maru::api {
namespace {

class OpenApiTest : public ServeTest {
 protected:
  Json document_;
  void SetUp() override {
    ServeTest::SetUp();
    context_.home = fs::temp_directory_path() / ("maru-openapi-" + std::to_string(::getpid()));
    document_ = get("/openapi.json").json;
  }
  std::string misfit_of(const char* path, std::string_view body) {
    const Json schema = document_["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
    return misfit(parse_json(body, "body").value(), schema, document_["components"]["schemas"]);
  }
};

TEST_F(OpenApiTest, ListsTheRoutesOfAllDialects) {
  for (const char* path :
       {"/v1/models", "/v1/models/{id}", "/v1/health/live", "/v1/health/ready", "/v1/metrics", "/v1/maru/status",
        "/v1/maru/runs", "/v1/maru/runs/{id}/metrics", "/v1/maru/datasets", "/v1/maru/datasets/{id}/report",
        "/v1/maru/models", "/v1/maru/models/{id}/evaluation", "/v1/maru/models/{id}/manifest", "/openapi.json"})
    EXPECT_TRUE(document_["paths"][path].contains("get")) << path;
  for (const auto& [path, operations] : document_["paths"].items())
    for (const auto& [method, operation] : operations.items()) {
      const bool brings = method == "post" || method == "put" || method == "patch" || path == "/v1/hf/api/repos/delete";
      if (operation["summary"] != "refused with 501") {
        EXPECT_EQ(brings, operation.contains("requestBody")) << path;
      }
      EXPECT_FALSE(operation["summary"].get<std::string>().empty()) << path;
      EXPECT_TRUE(operation["responses"]["default"].contains("content")) << path;
    }
}

TEST_F(OpenApiTest, TakesWhatTheParsersTake) {
  for (const char* body : {R"({"model":"m","messages":[{"role":"user","content":"hi"}]})",
                           R"({"model":"m","messages":[{}],"temperature":null,"stop":["a"],"max_tokens":0})",
                           R"({"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":true}})",
                           R"({"model":"m","messages":[{}],"logprobs":true,"top_logprobs":3,"store":false,"n":2.0})"}) {
    EXPECT_NO_THROW(openai::parse_chat_request(body)) << body;
    EXPECT_EQ("", misfit_of("/v1/chat/completions", body));
  }
  for (const char* body : {R"({"model":"m","prompt":"a","logprobs":2})", R"({"model":"m","prompt":[[1],[2]]})"}) {
    EXPECT_NO_THROW(openai::parse_completion_request(body)) << body;
    EXPECT_EQ("", misfit_of("/v1/completions", body));
  }
  const char* body =
      R"({"model":"m","max_tokens":1,"messages":[{}],"stop_sequences":["x"],"system":[{"type":"text"}]})";
  EXPECT_NO_THROW(anthropic::parse_messages_request(body));
  EXPECT_EQ("", misfit_of("/v1/messages", body));
}

TEST_F(OpenApiTest, RefusesTheTypesAndRangesThatTheParsersRefuse) {
  for (const char* field : {R"("temperature":101)", R"("n":0)", R"("n":1.5)", R"("seed":"a")", R"("stream":1)",
                            R"("top_logprobs":21)", R"("stream_options":{"include_usage":3})"}) {
    const std::string body = R"({"model":"m","messages":[{}],)" + std::string(field) + "}";
    EXPECT_THROW(openai::parse_chat_request(body), Failure) << body;
    EXPECT_NE("", misfit_of("/v1/chat/completions", body)) << body;
  }
  const char* body = R"({"model":"m","max_tokens":1,"messages":[{}],"stop_sequences":[1]})";
  EXPECT_THROW(anthropic::parse_messages_request(body), Failure);
  EXPECT_EQ("$.stop_sequences[0]: not of type [\"string\"]", misfit_of("/v1/messages", body));
}

TEST_F(OpenApiTest, DescribesTheErrorsOfEachDialect) {
  const auto misfit_with = [&](const char* path, const http::Dialect& dialect) {
    const Json error =
        document_["paths"][path]["post"]["responses"]["default"]["content"]["application/json"]["schema"];
    const Json sent = parse_json(dialect.error_body({.status = 404, .message = "m"}), "").value();
    return misfit(sent, error, document_["components"]["schemas"]);
  };
  EXPECT_EQ("", misfit_with("/v1/completions", openai::kDialect));
  EXPECT_EQ("", misfit_with("/v1/messages", anthropic::kDialect));
  EXPECT_NE("", misfit_with("/v1/messages", openai::kDialect));
}

TEST_F(OpenApiTest, AsksForTheKey) {
  context_.api_keys = {"secret"};
  server_ = nullptr;
  EXPECT_EQ(401, get("/openapi.json").status);
  EXPECT_EQ(200, get("/openapi.json", "Authorization: Bearer secret\r\n").status);
}

}  // namespace
}  // namespace maru::api
