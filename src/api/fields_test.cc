// Fields of requests from end to end: what vLLM's clients ask for and find in the answer, tokens without an answer, and
// fields that nobody knows.
#include "api/test_server.h"

namespace maru::api {
namespace {

class FieldsTest : public ServeTest {
 protected:
  std::string complete(std::string_view more = "") {
    return R"({"model":"tiny","prompt":"ab","max_tokens":6,"seed":1)" + std::string(more) + "}";
  }
  std::vector<int32_t> ids(const Json& list) { return list.get<std::vector<int32_t>>(); }
};

TEST_F(FieldsTest, PromptsAreScored) {
  const Json chat_answer = post("/v1/chat/completions", chat(R"(,"prompt_logprobs":2)")).json;
  const Json& scores = chat_answer["prompt_logprobs"];
  ASSERT_EQ(chat_answer["usage"]["prompt_tokens"].get<size_t>(), scores.size()) << chat_answer;
  EXPECT_TRUE(scores[0].is_null());
  for (size_t i = 1; i < scores.size(); ++i) {
    EXPECT_GE(scores[i].size(), 2u);
    EXPECT_LE(scores[i].size(), 3u);
    for (const auto& [id, entry] : scores[i].items()) {
      EXPECT_LE(entry["logprob"].get<double>(), 0);
      EXPECT_GE(entry["rank"].get<int>(), 1);
    }
  }
  EXPECT_FALSE(chat_answer["choices"][0].contains("prompt_logprobs"));
  const Json completion = post("/v1/completions", complete(R"(,"prompt_logprobs":0,"n":2)")).json;
  for (const Json& choice : completion["choices"]) {
    ASSERT_EQ(3u, choice["prompt_logprobs"].size());
    EXPECT_EQ(1u, choice["prompt_logprobs"][1].size());
    EXPECT_TRUE(choice["logprobs"].is_null());
  }
  const Json both = post("/v1/completions", complete(R"(,"prompt_logprobs":3,"echo":true,"logprobs":1)")).json;
  EXPECT_EQ(1u, both["choices"][0]["logprobs"]["top_logprobs"][2].size());
  EXPECT_GE(both["choices"][0]["prompt_logprobs"][2].size(), 3u);
}

TEST_F(FieldsTest, TokensAreToldByTheirIds) {
  const Json answer = post("/v1/completions", complete(R"(,"return_token_ids":true)")).json["choices"][0];
  EXPECT_EQ((std::vector<int32_t>{0, 5 + 'a', 5 + 'b'}), ids(answer["prompt_token_ids"]));
  EXPECT_EQ(answer["text"], tokenizer_.decode(ids(answer["token_ids"])));
  EXPECT_TRUE(answer["logprobs"].is_null());
  const Json whole = post("/v1/chat/completions", chat(R"(,"return_token_ids":true,"return_prompt_text":true)")).json;
  EXPECT_EQ(whole["prompt_text"], tokenizer_.decode(ids(whole["prompt_token_ids"])));
  const std::vector<int32_t> all = ids(whole["choices"][0]["token_ids"]);
  EXPECT_EQ(12u, all.size());
  std::vector<int32_t> streamed;
  const auto events = stream("/v1/chat/completions", chat(R"(,"return_token_ids":true,"stream":true)"));
  EXPECT_EQ(whole["prompt_token_ids"], events[0]["prompt_token_ids"]);
  for (const Json& event : events)
    if (const Json& some = event["choices"][0]["token_ids"]; some.is_array())
      for (const int32_t id : ids(some)) streamed.push_back(id);
  EXPECT_EQ(all, streamed);
  const Json named = post("/v1/chat/completions", chat(R"(,"logprobs":true,"return_tokens_as_token_ids":true)")).json;
  EXPECT_EQ("token_id:" + std::to_string(all[0]), named["choices"][0]["logprobs"]["content"][0]["token"]);
}

TEST_F(FieldsTest, TheTokenThatEndsAnAnswerIsAmongItsIds) {
  const Json whole = post("/v1/completions", complete(R"(,"return_token_ids":true)")).json["choices"][0];
  const int32_t end = ids(whole["token_ids"]).at(3);
  const std::string stop = R"(,"return_token_ids":true,"stop_token_ids":[)" + std::to_string(end) + "]";
  const Json ended = post("/v1/completions", complete(stop)).json["choices"][0];
  EXPECT_EQ("stop", ended["finish_reason"]);
  EXPECT_EQ(end, ids(ended["token_ids"]).back());
  const Json kept =
      post("/v1/completions", complete(stop + R"(,"include_stop_str_in_output":true)")).json["choices"][0];
  EXPECT_EQ(ended["token_ids"], kept["token_ids"]);
  EXPECT_EQ(ended["text"].get<std::string>() + tokenizer_.decode(std::vector{end}), kept["text"]);
}

TEST_F(FieldsTest, WordsAndTokensAreForbiddenAndAllowed) {
  const Json free = post("/v1/completions", complete()).json["choices"][0]["text"];
  const std::string letter = free.get<std::string>().substr(0, 1);
  const std::string other =
      post("/v1/completions", complete(R"(,"bad_words":[")" + letter + "\"]")).json["choices"][0]["text"];
  EXPECT_EQ(std::string::npos, other.find(letter)) << other;
  const std::string allowed = R"(,"allowed_token_ids":[)" + std::to_string(5 + 'x') + "]";
  EXPECT_EQ("xxxxxx", post("/v1/completions", complete(allowed)).json["choices"][0]["text"]);
  const Got none = post("/v1/completions", complete(allowed + R"(,"bad_words":["x"])"));
  EXPECT_EQ(400, none.status) << none.body;
  EXPECT_TRUE(free_again());
}

TEST_F(FieldsTest, TheLastWordsAreEchoed) {
  const std::string body =
      R"({"model":"tiny","max_tokens":4,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"I say"}],
          "continue_final_message":true,"echo":)";
  const std::string plain = post("/v1/chat/completions", body + "false}").json["choices"][0]["message"]["content"];
  const std::string echoed =
      post("/v1/chat/completions", body + R"(true,"seed":1})").json["choices"][0]["message"]["content"];
  EXPECT_EQ(4u, plain.size());
  EXPECT_TRUE(echoed.starts_with("I say")) << echoed;
  EXPECT_EQ(9u, echoed.size());
  EXPECT_EQ("I say",
            stream("/v1/chat/completions", body + R"(true,"stream":true})")[0]["choices"][0]["delta"]["content"]);
}

TEST_F(FieldsTest, UnknownFieldsAreIgnoredWhereTheOperatorSaysSo) {
  const Got refused = post("/v1/chat/completions", chat(R"(,"tempature":1)"));
  EXPECT_EQ(400, refused.status);
  EXPECT_EQ("tempature", refused.json["error"]["param"]);
  server_.reset();
  config_.unknown_fields = "ignore";
  for (const char* path : {"/v1/chat/completions", "/v1/messages", "/tokenize"}) {
    const Got got = post(path, R"({"model":"tiny","messages":[{"role":"user","content":"hi"}],"a\r\nX-Evil: 1":2)" +
                                   std::string(path == std::string_view("/tokenize") ? "}" : R"(,"max_tokens":3})"));
    EXPECT_EQ(200, got.status) << path << got.body;
    EXPECT_NE(std::string::npos, got.head.find("X-Maru-Warning: a??X-Evil: 1: not known to this server")) << got.head;
    EXPECT_EQ(std::string::npos, got.head.find("\nX-Evil"));
  }
  EXPECT_EQ(400, post("/v1/chat/completions", chat(R"(,"web_search_options":{})")).status) << "that one is known";
}

// Bytes at random: many a piece is of several tokens.
TEST_F(FieldsTest, AStreamCountsAsTheWholeAnswerDoes) {
  model_.only_letters = false;
  const std::string more = R"(,"max_tokens":60,"ignore_eos":true)";
  const Json whole = post("/v1/chat/completions", chat(more)).json["usage"];
  EXPECT_EQ(60, whole["completion_tokens"]);
  const std::vector<Json> events =
      stream("/v1/chat/completions", chat(more + R"(,"stream":true,"stream_options":{"include_usage":true})"));
  ASSERT_GT(events.size(), 3u);
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    ASSERT_TRUE(events[i].contains("usage")) << events[i];
    EXPECT_TRUE(events[i]["usage"].is_null());
  }
  EXPECT_EQ(whole["completion_tokens"], events.back()["usage"]["completion_tokens"]);
  EXPECT_EQ(whole["total_tokens"], events.back()["usage"]["total_tokens"]);
}

TEST_F(FieldsTest, EachPromptHasItsOwnTokens) {
  const std::string body = R"({"model":"tiny","prompt":[[102],[103,104]],"max_tokens":2,"n":2,"return_token_ids":true)";
  const Json choices = post("/v1/completions", body + "}").json["choices"];
  ASSERT_EQ(4u, choices.size());
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(i < 2 ? Json::array({102}) : Json::array({103, 104}), choices[i]["prompt_token_ids"]) << i;
}

TEST_F(FieldsTest, AModelIsNamedWhereThereAreSeveral) {
  server_ = std::make_unique<ApiServer>(config_, context_, [this](serving::ModelHost& host) {
    for (const char* id : {"tiny", "other"}) host.add(fake_parts(model_, tokenizer_, &chat_template_, id));
  });
  const Got got = post("/tokenize", R"({"prompt":"b"})");
  EXPECT_EQ(400, got.status);
  EXPECT_EQ("model", got.json["error"]["param"]);
  EXPECT_EQ(200, post("/tokenize", R"({"model":"other","prompt":"b"})").status);
}

TEST_F(FieldsTest, TextsAreTokensAndBack) {
  const Got text = post("/tokenize", R"({"model":"tiny","prompt":"가b","return_token_strs":true})");
  EXPECT_EQ(parse_json(R"({"count":5,"max_model_len":512,"tokens":[0,239,181,133,103],
                           "token_strs":["<|begin_of_text|>","bytes:\\xEA","bytes:\\xB0","bytes:\\x80","b"]})",
                       "want")
                .value(),
            text.json);
  const Json bare = post("/tokenize", R"({"prompt":"b","add_special_tokens":false})").json;
  EXPECT_EQ(Json::array({103}), bare["tokens"]);
  EXPECT_TRUE(bare["token_strs"].is_null());
  const Json turn = post("/tokenize", R"({"messages":[{"role":"user","content":"hi"}]})").json;
  const Json asked = post("/v1/chat/completions", chat()).json;
  EXPECT_EQ(asked["usage"]["prompt_tokens"], turn["count"]) << "as a chat is asked";
  const std::string turns = R"("messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"I"}])";
  const Json open = post("/tokenize", "{" + turns + R"(,"continue_final_message":true})").json;
  EXPECT_EQ(5 + 'I', open["tokens"].back()) << "inside of the last message";
  EXPECT_NE(open, post("/tokenize", "{" + turns + "}").json);
  const Json back = post("/detokenize", Json{{"model", "tiny"}, {"tokens", text.json["tokens"]}}.dump()).json;
  EXPECT_EQ("<|begin_of_text|>가b", back["prompt"]);
  const std::pair<const char*, const char*> refused[] = {
      {R"({"model":"tiny"})", "prompt"},
      {R"({"prompt":"a","messages":[]})", "messages"},
      {R"({"messages":[]})", "messages"},
      {R"({"messages":[{"role":"user","content":"x"}],"add_special_tokens":true})", "add_special_tokens"},
      {R"({"prompt":"a","chat_template":"x"})", "chat_template"}};
  for (const auto& [body, field] : refused) EXPECT_EQ(field, post("/tokenize", body).json["error"]["param"]) << body;
  EXPECT_EQ("tokens[1]", post("/detokenize", R"({"tokens":[5,261]})").json["error"]["param"]);
  EXPECT_EQ("tokens[0]", post("/detokenize", R"({"tokens":[-1]})").json["error"]["param"]);
  EXPECT_EQ(404, post("/detokenize", R"({"model":"x","tokens":[5]})").status);
  const std::string much(300'000, 'x');
  EXPECT_EQ("prompt", post("/tokenize", R"({"prompt":")" + much + "\"}").json["error"]["param"]);
}

TEST_F(FieldsTest, PromptsAreRenderedWithoutAnAnswer) {
  const int64_t steps = model_.steps;
  const Json rendered = post("/v1/chat/completions/render", chat(R"(,"top_k":3)")).json;
  EXPECT_EQ("<|begin_of_text|><|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", rendered["prompt_text"]);
  EXPECT_EQ(rendered["prompt_text"], tokenizer_.decode(ids(rendered["token_ids"])));
  EXPECT_EQ(12, rendered["sampling_params"]["max_tokens"]);
  EXPECT_EQ(3, rendered["sampling_params"]["top_k"]);
  EXPECT_EQ(1, rendered["sampling_params"]["seed"]);
  EXPECT_EQ(true, rendered["sampling_params"]["skip_special_tokens"]);
  const Json special = post("/v1/chat/completions/render", chat(R"(,"skip_special_tokens":false)")).json;
  EXPECT_EQ(false, special["sampling_params"]["skip_special_tokens"]);
  const Json list = post("/v1/completions/render", R"({"model":"tiny","prompt":["a",[102,103]]})").json;
  ASSERT_EQ(2u, list.size());
  EXPECT_EQ("a", list[0]["prompt_text"]);
  EXPECT_TRUE(list[1]["prompt_text"].is_null()) << "it came as tokens";
  EXPECT_EQ((std::vector<int32_t>{102, 103}), ids(list[1]["token_ids"]));
  EXPECT_EQ(steps, model_.steps);
  EXPECT_EQ("max_tokens", post("/v1/chat/completions/render", chat(R"(,"max_tokens":0)")).json["error"]["param"]);
}

TEST_F(FieldsTest, MessagesAreCounted) {
  const std::string turn = R"({"model":"tiny","messages":[{"role":"user","content":"hi"}])";
  const Got counted = post("/v1/messages/count_tokens", turn + "}");
  ASSERT_EQ(200, counted.status) << counted.body;
  const Json asked = post("/v1/messages", turn + R"(,"max_tokens":2})").json;
  EXPECT_EQ(asked["usage"]["input_tokens"], counted.json["input_tokens"]);
  const Got tools = post("/v1/messages/count_tokens", turn + R"(,"tools":[{"name":"f","input_schema":{}}]})");
  EXPECT_GT(tools.json["input_tokens"], counted.json["input_tokens"]);
  EXPECT_EQ("invalid_request_error", post("/v1/messages/count_tokens", "{}").json["error"]["type"]);
}

}  // namespace
}  // namespace maru::api
