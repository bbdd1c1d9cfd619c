#include "api/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "api/openai/error.h"
#include "base/json.h"
#include "http/auth.h"
#include "http/json_body.h"
#include "serving/receipts.h"

namespace maru::api {
namespace {

constexpr int64_t kPlaces = 4096;
constexpr double kPatientSeconds = 1e7;

/// Wakes who waits for an answer.
class Bell {
 public:
  void ring() {
    std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
};

uint64_t seed_of(const ledger::ReceiptPrompt& prompt) {
  uint64_t seed = 0;
  const char* end = prompt.seed.data() + prompt.seed.size();
  if (const auto [at, error] = std::from_chars(prompt.seed.data(), end, seed); at != end || error != std::errc())
    throw Failure(ErrorCode::kInvalidArgument, "prompts.seed: expected a whole number, got \"" + prompt.seed + "\"");
  return seed;
}

/// The server's part: gives prompts the receipt's random numbers, and keeps what comes of them.
class Replay {
 public:
  explicit Replay(const ledger::Receipt& receipt)
      : receipt_(receipt), time_(ledger::parse_timestamp(receipt.time).value()) {
    receipts.always = true;
    receipts.now = [this] { return time_; };
    receipts.amend = [this](auto& prompts) { amend(prompts); };
    receipts.issue = [this](const ledger::Receipt& got, const serving::TokenDigests& digests) {
      made = got;
      for (const auto& digest : digests) tokens.push_back(digest->tokens);
      return Json(true);
    };
  }
  Replay(const Replay&) = delete;

  serving::Receipts receipts;
  std::optional<ledger::Receipt> made;
  std::vector<std::vector<int32_t>> tokens;  // of each choice
  std::optional<Error> mismatch;

 private:
  void amend(std::vector<infer::GenerationRequest>& prompts) {
    if (prompts.size() != receipt_.prompts.size())
      refuse(fmt::format("the request has {} prompts, the receipt {}", prompts.size(), receipt_.prompts.size()));
    for (size_t i = 0; i < prompts.size(); ++i) {
      const ledger::ReceiptPrompt& said = receipt_.prompts[i];
      if (const std::string sha256 = infer::sha256_of_tokens(prompts[i].prompt); sha256 != said.sha256)
        refuse(fmt::format("prompt {} of the request has {} tokens, SHA-256 {}; the receipt's has {}, SHA-256 {}", i,
                           prompts[i].prompt.size(), sha256, said.num_tokens, said.sha256));
      prompts[i].seed = seed_of(said);
      prompts[i].max_tokens = std::min(prompts[i].max_tokens, said.max_tokens);  // there may have been less room
    }
  }
  [[noreturn]] void refuse(std::string message) {
    mismatch = Error{ErrorCode::kDataLoss, std::move(message)};
    throw Failure(*mismatch);
  }

  const ledger::Receipt& receipt_;
  const ledger::Timestamp time_;
};

serving::HostOptions host_options(const ledger::Receipt& receipt, const serving::Receipts& receipts) {
  const ledger::ReceiptEngine& engine = receipt.engine;
  return {.max_running = 64,
          .max_waiting = kPlaces,
          .int8_cache = engine.kv_cache_dtype == "int8",
          .dtype = parse_dtype(engine.dtype),
          .timeout_seconds = kPatientSeconds,
          .tool_parser = engine.tool_parser,
          .reasoning_parser = engine.reasoning_parser,
          .receipts = &receipts};
}

/// The request as it asks for one whole answer with a receipt.
std::string whole_body(Json request, const std::string& model) {
  if (!request.is_object()) throw Failure(ErrorCode::kInvalidArgument, "the request is no object");
  request["model"] = model;
  request["stream"] = false;
  request["receipt"] = true;
  request.erase("stream_options");
  request.erase("background");
  return request.dump();
}

http::Response ask(const http::Router& router, const std::string& route, std::string body) {
  http::Request request;
  request.method = http::Method::kPost;
  request.path = route;
  request.body = std::move(body);
  request.headers = {{"content-type", "application/json"}};
  http::Admission admission = router.admit(request);
  Bell bell;
  http::Reply reply =
      admission.refusal ? std::move(*admission.refusal) : router.answer(request, [&bell] { bell.ring(); });
  if (auto* whole = std::get_if<http::Response>(&reply.answer)) return std::move(*whole);
  auto& pending = std::get<std::unique_ptr<http::Pending>>(reply.answer);
  while (!pending->ready()) bell.wait();
  return pending->response();
}

bool is_compared(const std::string& name) {
  static const std::vector<std::string> kOthers{"id", "time", "key_id", "public_key", "signature", "marks"};
  return std::find(kOthers.begin(), kOthers.end(), name) == kOthers.end();
}

std::string shown(const Json* json) {
  if (json == nullptr || json->is_null()) return "none";
  return json->is_string() ? json->get<std::string>() : json->dump();
}

const Json* member(const Json& json, const std::string& name) { return json.contains(name) ? &json[name] : nullptr; }

void compare(const Json* a, const Json* b, const std::string& where, std::vector<Difference>& to) {
  const bool objects = a != nullptr && b != nullptr && a->is_object() && b->is_object();
  const bool lists = a != nullptr && b != nullptr && a->is_array() && b->is_array() && a->size() == b->size();
  if (objects) {
    std::vector<std::string> names;
    for (const auto& [name, value] : a->items()) names.push_back(name);
    for (const auto& [name, value] : b->items())
      if (!a->contains(name)) names.push_back(name);
    for (const std::string& name : names)
      if (is_compared(name)) compare(member(*a, name), member(*b, name), where.empty() ? name : where + "." + name, to);
  } else if (lists) {
    for (size_t i = 0; i < a->size(); ++i) compare(&(*a)[i], &(*b)[i], where + "[" + std::to_string(i) + "]", to);
  } else if ((a == nullptr) != (b == nullptr) || (a != nullptr && *a != *b)) {
    to.push_back({where, shown(a), shown(b)});
  }
}

/// Between which tokens two answers part, by their marks.
std::string place_of(const ledger::ReceiptChoice& a, const ledger::ReceiptChoice& b) {
  const size_t marks = std::min(a.marks.size(), b.marks.size());
  size_t same = 0;
  while (same < marks && a.marks[same] == b.marks[same]) ++same;
  const size_t begin = same * infer::kMarkTokens;
  return same < marks ? fmt::format("tokens {} to {}", begin, begin + infer::kMarkTokens - 1)
                      : fmt::format("tokens from {} on", begin);
}

/// The token of a choice in whose text two texts part.
Difference parting(size_t choice, const std::string& expected, const std::string& got,
                   const std::vector<int32_t>& tokens, const text::Tokenizer& tokenizer) {
  const auto [a, b] = std::mismatch(expected.begin(), expected.end(), got.begin(), got.end());
  const auto same = static_cast<size_t>(a - expected.begin());
  size_t low = 0, high = tokens.size();  // as many tokens have less text; no more text than there is
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const std::vector<int32_t> first(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(middle) + 1);
    if (tokenizer.decode(first, true).size() > same)
      high = middle;
    else
      low = middle + 1;
  }
  return {fmt::format("choices[{}], token {} (byte {} of the text)", choice, low, same),
          brief(Json(expected.substr(same, 40))), brief(Json(got.substr(same, 40)))};
}

}  // namespace

std::vector<Difference> differences(const ledger::Receipt& expected, const ledger::Receipt& got) {
  std::vector<Difference> all;
  const Json a = to_json(expected), b = to_json(got);
  compare(&a, &b, "", all);
  for (size_t i = 0; i < std::min(expected.choices.size(), got.choices.size()); ++i)
    if (expected.choices[i].tokens_sha256 != got.choices[i].tokens_sha256)
      all.push_back({fmt::format("choices[{}], {}", i, place_of(expected.choices[i], got.choices[i])), "the receipt's",
                     "others"});
  return all;
}

namespace {

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : std::string(); }

/// The texts of blocks of a type, put end to end.
std::string blocks_of(const Json& blocks, const char* type) {
  std::string text;
  for (const Json& block : blocks)
    if (block.is_object() && text_of(block.value("type", Json())) == type) text += text_of(block.value("text", Json()));
  return text;
}

/// Of the messages among a response's items.
std::string output_text(const Json& items) {
  std::string text;
  for (const Json& item : items)
    if (const Json* content = item.is_object() ? member(item, "content") : nullptr;
        content != nullptr && content->is_array())
      text += blocks_of(*content, "output_text");
  return text;
}

/// Of Ollama's last object: a whole answer has its text in it, and that of a stream none.
std::vector<std::string> texts_of_line(const Json& line) {
  const Json* message = member(line, "message");
  const Json* text =
      message != nullptr && message->is_object() ? member(*message, "content") : member(line, "response");
  if (text == nullptr || text_of(*text).empty()) return {};
  return {text_of(*text)};
}

}  // namespace

std::vector<std::string> texts_of(const Json& answer) {
  std::vector<std::string> texts;
  if (answer.is_object() && answer.contains("eval_count")) return texts_of_line(answer);
  if (!answer.is_object() || !answer.contains("usage") || !answer["usage"].is_object()) return texts;
  if (const Json* choices = member(answer, "choices"); choices != nullptr && choices->is_array()) {
    for (const Json& choice : *choices) {
      if (!choice.is_object() || choice.contains("delta")) return {};
      const Json* message = member(choice, "message");
      const bool chat = message != nullptr && message->is_object();
      const Json* text = chat ? member(*message, "content") : member(choice, "text");
      texts.push_back(text == nullptr ? "" : text_of(*text));
    }
  } else if (const Json* content = member(answer, "content"); content != nullptr && content->is_array()) {
    texts.push_back(blocks_of(*content, "text"));
  } else if (const Json* items = member(answer, "output"); items != nullptr && items->is_array()) {
    texts.push_back(output_text(*items));
  }
  return texts;
}

ReplayReport replay(const ledger::Receipt& receipt, const ReplaySource& source, Device& device) {
  Replay replay(receipt);
  serving::ModelHost host(host_options(receipt, replay.receipts));
  const std::string& name = receipt.model.name;
  const std::string model = source.adapter.empty() ? name : name + " without its adapter";
  host.load({source.model, model}, device);
  if (!source.adapter.empty()) host.load_adapter({source.adapter, name, model}, device);
  serving::ChoiceLimits limits({.places = kPlaces, .per_client = kPlaces});
  http::Router router(std::make_unique<http::ApiKeys>(), {}, {}, openai::kDialect);
  for (const AddDialect add : source.dialects) add(router, host, limits);
  const http::Response response = ask(router, receipt.route, whole_body(source.request, receipt.model.name));
  if (replay.mismatch) throw Failure(*replay.mismatch);
  if (!replay.made)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("the request is refused by {}: {}", receipt.route, response.body.substr(0, 1000)));
  ReplayReport report{.differences = differences(receipt, *replay.made)};
  for (const auto& tokens : replay.tokens) report.tokens += std::ssize(tokens);
  report.choices = std::ssize(replay.tokens);
  const Json body = parse_json(response.body, "answer").value();
  const std::vector<std::string> expected = texts_of(source.answer), got = texts_of(body);
  for (size_t i = 0; i < std::min(expected.size(), got.size()); ++i)
    if (expected[i] != got[i])
      report.differences.push_back(
          parting(i, expected[i], got[i], replay.tokens.at(i), host.get(receipt.model.name)->tokenizer()));
  return report;
}

}  // namespace maru::api
