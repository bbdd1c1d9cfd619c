#include "tune/rewards/judge.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <thread>

#include "base/excerpt.h"
#include "base/json_node.h"
#include "base/private_file.h"
#include "tune/rewards/rules.h"

namespace maru::tune {
namespace {

using Clock = std::chrono::steady_clock;
using train::RewardConfig;

constexpr size_t kMostAnswer = 1 << 20;  // bytes of what comes back
constexpr std::chrono::milliseconds kFirstPause{200}, kLongestPause{5000};

[[noreturn]] void refuse(const RewardConfig& config, const std::string& why) {
  throw Failure(ErrorCode::kInvalidArgument, fmt::format("recipe: group_policy.rewards: {}: {}", config.figure(), why));
}

http::Destination destination_of(const RewardConfig& config) {
  if (config.url.empty()) refuse(config, "url is missing: http://HOST:PORT/v1 of an OpenAI-compatible API");
  http::Destination to =
      http::parse_destination(config.url, fmt::format("recipe: group_policy.rewards: {}: url", config.figure()), "/v1");
  while (to.path.ends_with('/')) to.path.pop_back();
  to.path += "/chat/completions";
  return to;
}

std::string key_of(const RewardConfig& config) {
  if (config.key_file.empty()) return "";
  const std::string file = read_private_file(config.key_file, 64 << 10), key(trimmed(file));
  if (key.empty() || std::ranges::any_of(key, [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    refuse(config, fmt::format("key_file: {}: expected one key, of visible characters", config.key_file));
  return key;
}

std::unique_ptr<const re2::RE2> pattern_of(const RewardConfig& config) {
  if (config.pattern.empty()) return nullptr;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_unique<const re2::RE2>(config.pattern, options);
  if (!pattern->ok()) refuse(config, "pattern: " + pattern->error());
  if (pattern->NumberOfCapturingGroups() != 1) refuse(config, "pattern: expected one group, which is the number");
  return pattern;
}

// Messages as people read them.
std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto is_message = [](const Json& m) {
    return m.is_object() && m.contains("role") && m["role"].is_string() && m.contains("content") &&
           m["content"].is_string();
  };
  if (!value.is_array() || value.empty() || !std::ranges::all_of(value, is_message))
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string all;
  for (const Json& m : value)
    all += (all.empty() ? "" : "\n") + m["role"].get<std::string>() + ": " + m["content"].get<std::string>();
  return all;
}

/// The names in braces of a template, with what stands before each; the last has no name.
struct Part {
  std::string before, name;
};
std::vector<Part> parts_of(std::string_view text) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  std::vector<Part> parts(1);
  while (!text.empty()) {
    const size_t open = text.find('{');
    parts.back().before += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + 1);
    const size_t close = text.find_first_not_of(kLetters);
    if (close == 0 || close == std::string_view::npos || text[close] != '}') {  // a brace of the text's own
      parts.back().before += '{';
      continue;
    }
    parts.back().name = text.substr(0, close);
    text.remove_prefix(close + 1);
    parts.emplace_back();
  }
  return parts;
}

const Json& column_of(const JudgedAnswer& answer, const std::string& name, std::string_view judged_by) {
  const auto found = answer.line->find(name);
  if (found == answer.line->end())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {}: is missing, expected what reward {} asks with", answer.where, name, judged_by));
  return *found;
}

bool may_be_asked_again(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadline;
}

// What an API says of its error, as far as it says it.
std::string message_in(const std::string& body) {
  const Result<Json> json = parse_json(body, "");
  if (!json || !json.value().is_object()) return excerpt(body);
  const Json error = json.value().value("error", Json());
  if (error.is_object() && error.contains("message") && error["message"].is_string())
    return error["message"].get<std::string>();
  return excerpt(body);
}

}  // namespace

/// What came of one question.
struct JudgeReward::Verdict {
  std::string said;
  Score score;
  std::optional<Error> error;
};

std::optional<std::string> question_of(const std::string& form, std::string_view judge, const JudgedAnswer& answer) {
  std::string question;
  for (const Part& part : parts_of(form)) {
    question += part.before;
    if (part.name == "answer") question += answer.text;
    if (part.name.empty() || part.name == "answer") continue;
    const Json& column = column_of(answer, part.name, judge);
    if (column.is_null()) return std::nullopt;
    question += text_of(column);
  }
  return question;
}

JudgeReward::JudgeReward(const RewardConfig& config)
    : config_(config), to_(destination_of(config)), key_(key_of(config)), pattern_(pattern_of(config)) {
  if (config.model.empty()) refuse(config, "model is missing: as the API names it");
  if (config.prompt.empty()) refuse(config, "prompt is missing: what the judge is asked, with {answer} in it");
  if (std::ranges::none_of(parts_of(config.prompt), [](const Part& part) { return part.name == "answer"; }))
    refuse(config, "prompt: has no {answer} in it");
}

JudgeReward::~JudgeReward() = default;

void JudgeReward::fail(ErrorCode code, std::string_view where, const std::string& what) const {
  throw Failure(code, fmt::format("reward {}: {}: {}: {}", config_.figure(), config_.url, where, what));
}

// Fails with kUnavailable and kDeadline for what another try may mend.
Result<std::string> JudgeReward::ask_once(const std::string& body, const std::stop_token& stop) const {
  const auto limit = std::chrono::duration<double>(config_.timeout.value_or(60));
  const Result<http::PostReply> reply =
      http::ask_json(to_, body, {.bearer = key_, .most_bytes = kMostAnswer},
                     Clock::now() + std::chrono::duration_cast<Clock::duration>(limit), stop);
  if (!reply) return reply.error();
  if (reply.value().status != 200) {
    const bool later = reply.value().status >= 500 || reply.value().status == 429 || reply.value().status == 408;
    return Error{later ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
                 fmt::format("HTTP {}: {}", reply.value().status, message_in(reply.value().body))};
  }
  const Result<Json> json = parse_json(reply.value().body, "its answer");
  if (!json) return Error{ErrorCode::kInvalidArgument, json.error().message};
  try {
    const JsonNode choices = JsonNode(json.value(), "its answer").object()["choices"];
    for (const JsonNode& choice : choices.elements()) return choice.object()["message"].object()["content"].string("");
  } catch (const Failure& e) {
    return Error{ErrorCode::kInvalidArgument, e.what()};
  }
  return Error{ErrorCode::kInvalidArgument, "its answer: choices: is empty"};
}

std::optional<double> JudgeReward::number_in(const std::string& said) const {
  if (!pattern_) return last_number(said);
  const re2::StringPiece text(said);
  re2::StringPiece groups[2];
  std::optional<std::string> last;
  for (size_t at = 0; at <= said.size() && pattern_->Match(text, at, said.size(), re2::RE2::UNANCHORED, groups, 2);) {
    last.emplace(groups[1].data() == nullptr ? "" : std::string(groups[1].data(), groups[1].size()));
    const auto begin = static_cast<size_t>(groups[0].data() - said.data());
    at = std::max(begin + groups[0].size(), begin + 1);  // also behind a match of nothing
  }
  if (!last) return std::nullopt;
  double number = 0;
  const char* const behind = last->data() + last->size();
  const auto [end, error] = std::from_chars(last->data(), behind, number);
  return error == std::errc() && end == behind && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

JudgeReward::Verdict JudgeReward::ask(const std::string& question, const std::stop_token& stop) const {
  const Json request{{"model", config_.model},
                     {"messages", Json::array({{{"role", "user"}, {"content", question}}})},
                     {"temperature", 0},
                     {"max_tokens", config_.max_tokens.value_or(64)}};
  const std::string body = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  auto pause = kFirstPause;
  for (int64_t tries = 1;; ++tries, pause = std::min(2 * pause, kLongestPause)) {
    const Result<std::string> said = ask_once(body, stop);
    if (said) {
      const std::optional<double> number = number_in(said.value());
      if (number || config_.otherwise) return {said.value(), number ? number : config_.otherwise, std::nullopt};
      return {.error = Error{ErrorCode::kInvalidArgument, "no number in what it says: " + excerpt(said.value())}};
    }
    Error error = said.error();
    if (!may_be_asked_again(error) || tries > config_.retries.value_or(2)) {
      if (tries > 1) error.message += fmt::format(", asked {} times", tries);
      return {.error = error};
    }
    for (auto left = pause; left.count() > 0 && !stop.stop_requested(); left -= std::chrono::milliseconds(50))
      std::this_thread::sleep_for(std::min(left, std::chrono::milliseconds(50)));
  }
}

// Which answers are asked at the same time changes nothing in what is learnt: scores stand where their answers do.
std::vector<Score> JudgeReward::score(std::span<const JudgedAnswer> answers) {
  std::vector<std::optional<std::string>> questions;
  for (const JudgedAnswer& answer : answers) questions.push_back(question_of(config_.prompt, config_.figure(), answer));
  std::vector<Verdict> verdicts(answers.size());
  std::atomic<size_t> next = 0;
  std::stop_source stop;
  const auto work = [&] {
    for (size_t i = next++; i < answers.size() && !stop.stop_requested(); i = next++) {
      if (questions[i]) verdicts[i] = ask(*questions[i], stop.get_token());
      if (verdicts[i].error) stop.request_stop();
    }
  };
  std::vector<std::thread> threads;
  const size_t at_a_time = std::min(answers.size(), static_cast<size_t>(config_.in_flight.value_or(4)));
  for (size_t i = 1; i < at_a_time; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < answers.size(); ++i)  // those that were given up say nothing of the judge
    if (verdicts[i].error && verdicts[i].error->code != ErrorCode::kCancelled)
      fail(verdicts[i].error->code, answers[i].where, verdicts[i].error->message);
  std::vector<Score> scores;
  words_.clear();
  for (Verdict& verdict : verdicts) scores.push_back(verdict.score), words_.push_back(std::move(verdict.said));
  return scores;
}

}  // namespace maru::tune
