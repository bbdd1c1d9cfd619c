#include "api/anthropic/answer.h"

#include <gtest/gtest.h>

#include "api/anthropic/error.h"

namespace maru::api::anthropic {
namespace {

TEST(StopReason, SaysWhy) {
  serving::AnswerPiece piece;
  piece.finish = infer::FinishReason::kLength;
  EXPECT_EQ("max_tokens", stop_reason_of(piece));
  piece.finish = infer::FinishReason::kStop;
  EXPECT_EQ("end_turn", stop_reason_of(piece));
  piece.called = true;
  EXPECT_EQ("tool_use", stop_reason_of(piece));
  piece.called = false;
  piece.stop = "###";
  EXPECT_EQ("stop_sequence", stop_reason_of(piece));
}

TEST(ErrorBody, HasAnthropicsShape) {
  EXPECT_EQ(R"({"type":"error","error":{"type":"overloaded_error","message":"full"}})",
            kDialect.error_body({.status = 503, .message = "full"}));
  const std::pair<int, const char*> types[] = {{400, "invalid_request_error"}, {401, "authentication_error"},
                                               {403, "permission_error"},      {404, "not_found_error"},
                                               {405, "invalid_request_error"}, {413, "request_too_large"},
                                               {429, "rate_limit_error"},      {500, "api_error"},
                                               {504, "timeout_error"}};
  for (const auto& [status, type] : types)
    EXPECT_NE(std::string::npos, kDialect.error_body({.status = status}).find(type)) << status;
}

TEST(Credential, IsInEitherHeader) {
  http::Request request;
  EXPECT_EQ("", kDialect.credential(request));
  request.headers = {{"authorization", "Bearer b"}};
  EXPECT_EQ("b", kDialect.credential(request));
  request.headers.emplace_back("x-api-key", " a ");
  EXPECT_EQ("a", kDialect.credential(request));
}

}  // namespace
}  // namespace maru::api::anthropic
