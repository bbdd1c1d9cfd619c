#include "api/openai/responses/client_events.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

std::string field_at_fault(std::string_view message) {
  try {
    parse_response_create(message);
  } catch (const RequestFailure& failure) {
    return failure.field();
  }
  return "none";
}

TEST(ClientEvents, CreateIsARequestThatStreams) {
  const ResponsesRequest request = parse_response_create(
      R"({"type":"response.create","model":"m","input":"hi","max_output_tokens":3,"stream_options":{}})");
  EXPECT_EQ("m", request.model);
  EXPECT_EQ(3, request.max_output_tokens);
  EXPECT_TRUE(request.stream);
}

TEST(ClientEvents, RefusesOthersByName) {
  EXPECT_EQ("none", field_at_fault(R"({"type":"response.create","model":"m","input":"hi","stream":true})"));
  EXPECT_EQ("type", field_at_fault(R"({"model":"m","input":"hi"})"));
  EXPECT_EQ("type", field_at_fault(R"({"type":"session.update","model":"m","input":"hi"})"));
  EXPECT_EQ("type", field_at_fault(R"({"type":["response.create"],"model":"m","input":"hi"})"));
  EXPECT_EQ("stream", field_at_fault(R"({"type":"response.create","model":"m","input":"hi","stream":false})"));
  EXPECT_EQ("none", field_at_fault(R"({"type":"response.create","model":"m","input":"hi","stream":null})"));
  EXPECT_EQ("model", field_at_fault(R"({"type":"response.create","input":"hi"})"));
  EXPECT_EQ("respons", field_at_fault(R"({"type":"response.create","model":"m","input":"hi","respons":{}})"));
  for (const char* text : {"", "[]", "\"response.create\"", "{"}) EXPECT_NE("none", field_at_fault(text)) << text;
}

TEST(ClientEvents, ErrorsSayTheirStatus) {
  const Json error =
      parse_json(message_of({.status = 404, .body = R"({"error":{"message":"m","code":"c"}})"}), "message").value();
  EXPECT_EQ((Json{{"type", "error"}, {"status", 404}, {"error", {{"message", "m"}, {"code", "c"}}}}), error);
  EXPECT_EQ("{\"id\":1}", message_of({.status = 200, .body = "{\"id\":1}"}));
}

}  // namespace
}  // namespace maru::api::openai
