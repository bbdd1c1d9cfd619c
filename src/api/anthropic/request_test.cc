#include "api/anthropic/request.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"
#include "infer/fake_model.h"

namespace maru::api::anthropic {
namespace {

std::string body(std::string_view more) { return R"({"model":"m","max_tokens":8,)" + std::string(more) + "}"; }

/// The field that a body is refused for; "" when it is taken.
std::string refused_field(const std::string& text) {
  try {
    const MessagesRequest request = parse_messages_request(text);
    read_conversation(request);
  } catch (const RequestFailure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
    EXPECT_FALSE(std::string_view(failure.what()).empty());
    return failure.field();
  }
  return "";
}

TEST(MessagesRequest, SaysHowHardToThink) {
  const auto effort = [](const char* more) {
    return read_conversation(
               parse_messages_request(body(R"("messages":[{"role":"user","content":"hi"}])" + std::string(more))))
        .effort;
  };
  EXPECT_EQ("", effort(""));
  EXPECT_EQ("low", effort(R"(,"output_config":{"effort":"low"})"));
}

TEST(MessagesRequest, NamesTheFieldAtFault) {
  const std::string user = R"("messages":[{"role":"user","content":"hi"}])";
  const std::pair<std::string, const char*> cases[] = {
      {body(R"("messages":[])"), "messages"},
      {body(R"("messages":"hi")"), "messages"},
      {body(R"("messages":[1])"), "messages[0]"},
      {body(R"("messages":[{"content":"hi"}])"), "messages[0].role"},
      {body(R"("messages":[{"role":"system","content":"hi"}])"), "messages[0].role"},
      {body(R"("messages":[{"role":"user"}])"), "messages[0].content"},
      {body(R"("messages":[{"role":"user","content":7}])"), "messages[0].content"},
      {body(R"("messages":[{"role":"user","content":[{"text":"a"}]}])"), "messages[0].content[0].type"},
      {body(R"("messages":[{"role":"user","content":[{"type":"text"}]}])"), "messages[0].content[0].text"},
      {body(R"("messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"}]}])"),
       "messages[0].content[1].type"},
      {body(R"("messages":[{"role":"user","content":[{"type":"document"}]}])"), "messages[0].content[0].type"},
      {body(user + R"(,"system":[{"type":"image"}])"), "system[0].type"},
      {body(user + R"(,"temperature":1.5)"), "temperature"},
      {body(user + R"(,"max_tokens":0)"), "max_tokens"},
      {R"({"model":"m",)" + user + "}", "max_tokens"},
      {R"({"max_tokens":1,)" + user + "}", "model"},
      {body(user + R"(,"stop_sequences":[""])"), "stop_sequences[0]"},
      {body(user + R"(,"stop_sequences":"x")"), "stop_sequences"},
      {body(user + R"(,"tools":[{"name":"f"}])"), "tools[0].input_schema"},
      {body(user + R"(,"tool_choice":{"type":"may"})"), "tool_choice.type"},
      {body(R"("messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}])"),
       "messages"},
      {body(user + R"(,"thinking":{"type":"maybe"})"), "thinking.type"},
      {body(user + R"(,"container":"c")"), "container"},
      {body(user + R"(,"inference_geo":"us")"), "inference_geo"},
      {body(user + R"(,"thread":{"type":"create"})"), "thread"},
      {body(user + R"(,"temprature":1)"), "temprature"},
      {body(user + R"(,"output_config":{"length":"short"})"), "output_config.length"},
      {body(user + R"(,"output_config":5)"), "output_config"}};
  for (const auto& [text, field] : cases) EXPECT_EQ(field, refused_field(text)) << text;
  EXPECT_THROW(parse_messages_request("[]"), RequestFailure);
  EXPECT_THROW(parse_messages_request("{"), RequestFailure);
  EXPECT_THROW(parse_messages_request(body(user + R"(,"temprature":1)")), RequestFailure) << "unknown";
  for (const char* more : {R"(,"tools":[])", R"(,"system":null)", R"(,"thinking":{"type":"disabled"})",
                           R"(,"metadata":{"user_id":"u"},"service_tier":"auto")", R"(,"system":"")",
                           R"(,"speed":"fast","cache_control":{"type":"ephemeral"},"output_config":{"effort":"low"})"})
    EXPECT_EQ("", refused_field(body(user + more))) << more;
}

TEST(MessagesRequest, UnknownFieldsMayBeIgnored) {
  const MessagesRequest request =
      parse_messages_request(body(R"("temprature":1,"messages":[{"role":"user","content":"hi"}])"), true);
  ASSERT_EQ(1u, request.warnings.size());
  EXPECT_TRUE(request.warnings[0].ends_with("did you mean 'temperature'?")) << request.warnings[0];
  EXPECT_EQ(request.warnings, read_conversation(request).warnings);
}

TEST(PromptRequest, IsAWholeRequestOrWhatIsCountedOfIt) {
  const std::string user = R"("messages":[{"role":"user","content":"hi"}])";
  EXPECT_EQ("m", parse_prompt_request(R"({"model":"m",)" + user + "}").model);
  EXPECT_EQ("m", parse_prompt_request(body(user + R"(,"temperature":0.5,"stream":true)")).model);
  EXPECT_THROW(parse_prompt_request(R"({"model":"m",)" + user + R"(,"colour":1})"), RequestFailure);
  EXPECT_THROW(parse_prompt_request("{" + user + "}"), RequestFailure);
}

TEST(MessagesRequest, AnswersAreHeldToAForm) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  const text::ChatTemplate chat_template = text::ChatTemplate::chatml(tokenizer);
  const auto prepared = [&](std::string_view format) {
    return prepare(
        parse_messages_request(body(R"("messages":[{"role":"user","content":"hi"}],"output_config":{"format":)" +
                                    std::string(format) + "}")),
        {.id = "m", .tokenizer = &tokenizer, .chat_template = &chat_template},
        {.max_context = 200, .vocab_size = 261, .timeout_seconds = 2});
  };
  EXPECT_TRUE(prepared(R"({"type":"json_schema","schema":{"type":"object"}})").generation.constraint.has_value());
  EXPECT_FALSE(prepared("null").generation.constraint.has_value());
  EXPECT_THROW(prepared(R"({"type":"xml"})"), RequestFailure);
  const std::string older = R"({"type":"json_schema","schema":{"type":"object"}}},"output_format":)";
  EXPECT_THROW(prepared(older + R"({"type":"json_schema","schema":{})"), RequestFailure) << "two forms";
  EXPECT_TRUE(prepared(R"(null},"output_format":{"type":"json_schema","schema":{"type":"object"})")
                  .generation.constraint.has_value());
  EXPECT_THROW(prepared(R"({"type":"json_schema","schema":{"type":"colour"}})"), RequestFailure);
}

TEST(MessagesRequest, BecomesAConversation) {
  const auto conversation = read_conversation(parse_messages_request(body(
      R"("system":[{"type":"text","text":"be "},{"type":"text","text":"kind"}],
         "messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"}]},
                     {"role":"assistant","content":"c"}])")));
  EXPECT_EQ(parse_json(R"([{"role":"system","content":"be kind"},{"role":"user","content":"a\n\nb"},
                           {"role":"assistant","content":"c"}])",
                       "expected")
                .value(),
            conversation.messages);
  EXPECT_TRUE(conversation.continue_last) << "the assistant's own last words are gone on with";
}

TEST(MessagesRequest, IsPreparedWithinTheContext) {
  const text::Tokenizer tokenizer = infer::byte_tokenizer();
  const text::ChatTemplate chat_template = text::ChatTemplate::chatml(tokenizer);
  const auto prepared = [&](std::string_view more, int64_t context) {
    return prepare(parse_messages_request(body(R"("messages":[{"role":"user","content":"hi"}])" + std::string(more))),
                   {.id = "m", .tokenizer = &tokenizer, .chat_template = &chat_template},
                   {.max_context = context, .vocab_size = 261, .timeout_seconds = 2});
  };
  const PreparedRequest plain = prepared(R"(,"top_k":4,"stop_sequences":["x","y"])", 200);
  EXPECT_EQ(8, plain.generation.max_tokens);
  EXPECT_EQ(4, plain.generation.sampling.top_k);
  EXPECT_EQ((std::vector<std::string>{"x", "y"}), plain.generation.stop);
  EXPECT_FALSE(plain.generation.continues_prompt);
  const auto size = static_cast<int64_t>(plain.generation.prompt.size());
  const PreparedRequest tight = prepared("", size + 3);
  EXPECT_EQ(3, tight.generation.max_tokens);
  EXPECT_EQ(1u, tight.warnings.size());
  EXPECT_THROW(prepared("", size), RequestFailure);
}

}  // namespace
}  // namespace maru::api::anthropic
