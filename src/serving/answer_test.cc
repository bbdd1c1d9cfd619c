#include "serving/answer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/request_failure.h"
#include "infer/fake_model.h"
#include "infer/fake_speaker.h"

namespace maru::serving {
namespace {

class AnswerTest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  infer::FakeModel model_;
  ModelHost host_{{}};
  Caller caller_{.principal = {.tenant = "lab", .key = "key 1"}, .clients = {"key 1"}};
  platform::RateLimiter rates_;
  ChoiceLimits limits_{{.places = 8, .per_client = 4}, &rates_};

  void SetUp() override {
    ModelParts parts;
    parts.model = &model_;
    parts.tokenizer = &tokenizer_;
    parts.id = "m";
    host_.add(std::move(parts));
  }
  static infer::GenerationRequest prompt(std::vector<int32_t> tokens, int64_t choices) {
    infer::GenerationRequest request;
    request.prompt = std::move(tokens);
    request.max_tokens = 5;
    request.choices = choices;
    request.seed = 3;
    request.ignore_eos = true;
    return request;
  }
  Answer answer(std::vector<infer::GenerationRequest> prompts) {
    return Answer(host_.find("m"), std::move(prompts), limits_, caller_, [] {});
  }
  /// Tokens of each choice at its end; fails on an error.
  static std::vector<int64_t> finished(Answer& answer) {
    std::vector<int64_t> tokens(answer.num_choices(), -1);
    for (AnswerPiece piece;;) switch (answer.next(piece)) {
        case Answer::Next::kPiece:
          if (piece.finish) tokens.at(static_cast<size_t>(piece.choice)) = piece.num_tokens;
          break;
        case Answer::Next::kWait: std::this_thread::sleep_for(std::chrono::milliseconds(1)); break;
        case Answer::Next::kFailed: ADD_FAILURE() << answer.error().message; return tokens;
        case Answer::Next::kEnd: return tokens;
      }
  }
};

TEST_F(AnswerTest, NumbersChoicesAcrossPrompts) {
  Answer got = answer({prompt({5}, 2), prompt({6, 7}, 2)});
  EXPECT_EQ(4u, got.num_choices());
  EXPECT_EQ(3, got.prompt_tokens());
  EXPECT_EQ(0u, got.prompt_of(1));
  EXPECT_EQ(1u, got.prompt_of(2));
  EXPECT_EQ((std::vector<int64_t>{5, 5, 5, 5}), finished(got));
}

TEST_F(AnswerTest, NotesWhatBecameOfARequest) {
  caller_.record = std::make_shared<RequestRecord>("");
  std::vector<infer::GenerationRequest> prompts{prompt({5}, 2), prompt({6, 7}, 2)};
  prompts[0].sampling.temperature = 0.5;
  Answer got = answer(std::move(prompts));
  EXPECT_EQ("m", caller_.record->notes().model);
  EXPECT_EQ(0, caller_.record->notes().generated_tokens);
  finished(got);
  const RequestRecord::Notes notes = caller_.record->notes();
  EXPECT_EQ(3, notes.prompt_tokens);
  EXPECT_EQ(20, notes.generated_tokens);
  EXPECT_EQ(4, notes.choices);
  EXPECT_EQ(5, notes.max_tokens);
  EXPECT_EQ(0.5, notes.temperature);
  EXPECT_EQ((std::vector<std::string>{"length", "length", "length", "length"}), notes.finish_reasons);
  EXPECT_LE(notes.submitted, notes.started);
  EXPECT_LT(notes.started, notes.first_token);
  EXPECT_LT(notes.first_token, notes.ended);
}

TEST_F(AnswerTest, HoldsItsPlacesWhileItLasts) {
  {
    Answer got = answer({prompt({5}, 4)});
    EXPECT_THROW(answer({prompt({5}, 1)}), Failure);
  }
  Answer again = answer({prompt({5}, 4)});
  finished(again);
}

TEST_F(AnswerTest, IsAskedForInTheNameOfItsTenant) {
  model_.delay_ms = 2;
  caller_.principal.weight = 3;
  const auto tenants = [&] { return host_.find("m")->engine().stats().tenants; };
  infer::GenerationRequest longer = prompt({5}, 1);
  longer.max_tokens = 60;
  Answer first = answer({longer});
  caller_.principal.key = "key 2";  // another key of the same tenant
  Answer second = answer({longer});
  caller_.principal.tenant = "clinic";
  Answer third = answer({longer});
  int64_t most = 0;
  for (int i = 0; i < 500 && most < 2; ++i) {
    most = std::max(most, tenants());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(2, most);
}

TEST_F(AnswerTest, ReservesTokensAndGivesBackWhatWasNotGenerated) {
  caller_.principal.limits.tokens_per_minute = 100;
  const auto left = [&] { return rates_.states_of(caller_.principal).tokens->remaining; };
  infer::GenerationRequest long_one = prompt({5, 6}, 2);
  long_one.max_tokens = 40;
  {
    Answer got = answer({long_one});
    EXPECT_LE(left(), 100 - 82 + 1);
    EXPECT_THROW(answer({prompt({5}, 1), prompt({5}, 1), prompt({5}, 1), prompt({5}, 1)}), Failure);
    AnswerPiece piece;
    while (got.next(piece) != Answer::Next::kPiece) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GT(left(), 80) << "who leaves pays for the prompt and what was sent";
  EXPECT_LT(left(), 98);
}

TEST_F(AnswerTest, AModelThatMayNotBeAskedIsNotThere) {
  caller_.principal.models = {"other"};
  EXPECT_THROW(answer({prompt({5}, 1)}), RequestFailure);
  EXPECT_THROW(host_.get("m", caller_), RequestFailure);
  caller_.principal.models = {"other", "m"};
  EXPECT_EQ("m", host_.get("m", caller_)->id());
  EXPECT_THROW(host_.get("other", caller_), RequestFailure);
}

TEST_F(AnswerTest, SaysWhyAGenerationFailed) {
  model_.fail_next = true;
  Answer got = answer({prompt({5}, 1)});
  AnswerPiece piece;
  Answer::Next next;
  while ((next = got.next(piece)) == Answer::Next::kWait) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(Answer::Next::kFailed, next);
  EXPECT_EQ("planned failure", got.error().message);
}

class AnswerPartsTest : public testing::Test {
 protected:
  static constexpr std::string_view kBegins[] = {"<|im_start|>"}, kEnds[] = {"<|im_end|>"};
  static constexpr text::CallForm kForm{.name = "form", .signs = {}, .begins = kBegins, .ends = kEnds};
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  infer::FakeSpeaker model_{tokenizer_};
  ChoiceLimits limits_{{.places = 8, .per_client = 4}};

  struct Said {
    std::string text, name, id, arguments;
    bool called = false;
    int64_t num_tokens = 0;
  };
  Said answer(const std::string& script, int64_t max_tokens, size_t id_characters = 0, bool one_call = false) {
    ModelHost host({});
    text::CallForm form = kForm;
    form.id_characters = id_characters;
    ModelParts parts;
    parts.model = &model_;
    parts.tokenizer = &tokenizer_;
    parts.id = "m";
    parts.end_tokens = {1};
    parts.forms.calls = &form;
    host.add(std::move(parts));
    model_.say(script);
    infer::GenerationRequest request;
    request.prompt = {5, 6};
    request.max_tokens = max_tokens;
    request.stop = {"STOP"};
    const text::AnswerReading reading{.forms = {.calls = &form, .reasoning = nullptr},
                                      .one_call = one_call,
                                      .tools = std::make_shared<text::ToolSet>()};
    Answer answer(
        host.find("m"), {request}, limits_, {"key"}, [] {}, reading);
    Said said;
    for (AnswerPiece piece;;) switch (answer.next(piece)) {
        case Answer::Next::kPiece: take(piece, said); break;
        case Answer::Next::kWait: std::this_thread::sleep_for(std::chrono::milliseconds(1)); break;
        case Answer::Next::kFailed: ADD_FAILURE() << answer.error().message; return said;
        case Answer::Next::kEnd: return said;
      }
  }
  static void take(const AnswerPiece& piece, Said& to) {
    using Kind = text::AnswerEvent::Kind;
    to.text += piece.text;
    to.called |= piece.called;
    if (piece.finish) to.num_tokens = piece.num_tokens;
    for (const text::AnswerEvent& event : piece.events) {
      if (event.kind == Kind::kCallBegin) to.name = event.text, to.id = event.id;
      if (event.kind == Kind::kArguments) to.arguments += event.text;
    }
  }
};

// Byte tokens: so many are generated as the text has bytes, special tokens being one.
TEST_F(AnswerPartsTest, NothingIsComputedBehindTheOnlyCall) {
  const std::string begin = "look ", call = "{\"name\": \"f\", \"arguments\": {\"a\": \"<|im_end|>\"}}";
  const std::string mark = "<|im_start|>", end = "<|im_end|>";
  const Said all = answer(begin + mark + call + end + mark + call + end + std::string(500, 'x'), 2000);
  const Said one = answer(begin + mark + call + end + mark + call + end + std::string(500, 'x'), 2000, 0, true);
  EXPECT_GT(all.num_tokens, 500);
  EXPECT_EQ(static_cast<int64_t>(begin.size() + call.size()) + 2 - std::ssize(end), one.num_tokens);
  EXPECT_TRUE(one.called);
  EXPECT_EQ("look", one.text);
  EXPECT_EQ("{\"a\": \"<|im_end|>\"}", one.arguments);
  const Said none = answer(begin, 2000, 0, true);
  EXPECT_FALSE(none.called);
  EXPECT_EQ("look ", none.text);
}

TEST_F(AnswerPartsTest, CallsAreTakenOutOfTheText) {
  const std::string script = "look <|im_start|>{\"name\": \"f\", \"arguments\": {\"a\": \"가\"}}<|im_end|>";
  const Said said = answer(script, 200);
  EXPECT_EQ("look", said.text);
  EXPECT_EQ("f", said.name);
  EXPECT_EQ("{\"a\": \"가\"}", said.arguments);
  EXPECT_TRUE(said.id.starts_with("call_")) << said.id;
  EXPECT_TRUE(said.called);
  EXPECT_EQ(9u, answer(script, 200, 9).id.size());
}

TEST_F(AnswerPartsTest, AnAnswerThatMayHaveOneCallEndsWithIt) {
  const std::string call = "<|im_start|>{\"name\": \"f\", \"arguments\": {}}<|im_end|>";
  const Said said = answer(call + call + " and more", 50, 0, true);
  EXPECT_EQ("{}", said.arguments);
  EXPECT_TRUE(said.called) << "though the model went on until it was cut off";
  EXPECT_EQ("", said.text);
}

TEST_F(AnswerPartsTest, AStopStringInACallIsAStop) {
  const Said said = answer("<|im_start|>{\"name\": \"f\", \"arguments\": {\"a\": \"STOP\"}}<|im_end|>", 200);
  EXPECT_EQ("{\"a\": \"", said.arguments);
  EXPECT_FALSE(said.called);
}

TEST_F(AnswerPartsTest, AnAnswerThatIsCutOffCallsNothing) {
  const Said said = answer("<|im_start|>{\"name\": \"f\", \"arguments\": {\"a\": 5}}", 31);
  EXPECT_EQ("f", said.name);
  EXPECT_EQ("{\"a", said.arguments);
  EXPECT_FALSE(said.called);
}

}  // namespace
}  // namespace maru::serving
