#include "serving/answer.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace maru::serving {
namespace {

/// Special tokens that stand in the marks of calls and reasoning: without their text these could not be found.
std::vector<int32_t> tokens_of_marks(const text::Tokenizer& tokenizer, const text::AnswerForms& forms) {
  std::vector<int32_t> tokens;
  const std::vector<std::string_view> marks = forms.marks();
  for (const text::AddedToken& token : tokenizer.spec().added_tokens)
    if (token.special && !token.content.empty())
      for (const std::string_view mark : marks)
        if (mark.find(token.content) != std::string_view::npos) {
          tokens.push_back(token.id);
          break;
        }
  return tokens;
}

/// Ends a choice with its first call: what would come behind it is not computed.
std::function<std::function<bool(std::string_view)>()> end_with_call(const text::AnswerReading& reading) {
  if (!reading.one_call || reading.forms.calls == nullptr) return {};
  return [reading]() -> std::function<bool(std::string_view)> {
    const auto parser = std::make_shared<text::AnswerParser>(reading, [] { return std::string(); });
    return [parser, events = std::vector<text::AnswerEvent>()](std::string_view text) mutable {
      events.clear();
      parser->push(text, events);
      return parser->ended();
    };
  };
}

/// Nothing else: a piece that holds both counts as text.
bool is_reasoning(const AnswerPiece& piece) {
  return !piece.events.empty() && std::all_of(piece.events.begin(), piece.events.end(), [](const auto& event) {
    return event.kind == text::AnswerEvent::Kind::kReasoning;
  });
}

/// 0 where one of them has not happened.
double seconds_between(infer::ChoiceTimes::Clock::time_point from, infer::ChoiceTimes::Clock::time_point to) {
  const infer::ChoiceTimes::Clock::time_point never;
  return from == never || to == never ? 0 : std::chrono::duration<double>(to - from).count();
}

}  // namespace

Answer::Answer(std::shared_ptr<const ServedModel> model, std::vector<infer::GenerationRequest> prompts,
               ChoiceLimits& limits, const Caller& caller, const std::function<void()>& wake,
               text::AnswerReading reading, ReceiptOrder order)
    : model_(std::move(model)), record_(caller.record) {
  CHECK(!prompts.empty());
  choices_per_prompt_ = prompts.front().choices;
  if (!caller.principal.may_ask(model_->id())) no_such_model(model_->id());
  const int64_t choices = choices_per_prompt_ * static_cast<int64_t>(prompts.size());
  int64_t most_tokens = 0;
  const std::vector<int32_t> shown = tokens_of_marks(model_->tokenizer(), reading.forms);
  for (infer::GenerationRequest& prompt : prompts) {
    CHECK(prompt.choices == choices_per_prompt_);
    prompt.tenant = caller.principal.tenant;
    prompt.tenant_weight = caller.principal.weight;
    prompt.adapter = model_->adapter();
    prompt_tokens_ += static_cast<int64_t>(prompt.prompt.size());
    prompt.shown = shown;
    prompt.digest = order.receipts != nullptr;
    prompt.make_end = end_with_call(reading);
    most_tokens += prompt.choices * prompt.max_tokens;
  }
  note_request(prompts);
  places_ = limits.take(caller, choices);
  reservation_ = limits.reserve(caller, prompt_tokens_ + most_tokens);
  if (order.receipts != nullptr) {
    if (order.receipts->amend) order.receipts->amend(prompts);
    writer_ = std::make_unique<ReceiptWriter>(std::move(order), *model_, prompts, reading);
  }
  submit(std::move(prompts), limits, wake);
  begin_bill();
  for (size_t i = 0; writer_ != nullptr && i < generations_.size(); ++i) writer_->set_seed(i, generations_[i]->seed());
  while (parsers_.size() < num_choices())
    parsers_.push_back(
        std::make_unique<text::AnswerParser>(reading, [model = model_.get()] { return model->next_call_id(); }));
  generated_.assign(static_cast<size_t>(choices), 0);
  count(0);
}

void Answer::submit(std::vector<infer::GenerationRequest> prompts, const ChoiceLimits& limits,
                    const std::function<void()>& wake) {
  const int64_t choices = choices_per_prompt_ * static_cast<int64_t>(prompts.size());
  for (infer::GenerationRequest& prompt : prompts) try {
      generations_.push_back(model_->engine().submit(std::move(prompt), wake));
    } catch (const Failure& failure) {
      if (failure.code() != ErrorCode::kExhausted) throw;
      limits.refuse_full(choices);
    }
}

void Answer::begin_bill() {
  platform::UsageRecord& usage = reservation_->usage();
  usage.model = model_->id();
  usage.adapter = model_->facts().adapter;
  if (model_->identity()) usage.digest = model_->identity()->weights.sha256;
  usage.input_tokens = prompt_tokens_;
  reservation_->begin();
}

void Answer::note_request(const std::vector<infer::GenerationRequest>& prompts) const {
  if (record_ == nullptr) return;
  const infer::GenerationRequest& first = prompts.front();
  record_->note([&](RequestRecord::Notes& notes) {
    notes.model = model_->id();
    notes.prompt_tokens = prompt_tokens_;
    notes.max_tokens = first.max_tokens;
    notes.choices = first.choices * static_cast<int64_t>(prompts.size());
    notes.temperature = first.sampling.temperature;
    notes.top_p = first.sampling.top_p;
  });
}

void Answer::note_end(const AnswerPiece& piece) const {
  if (record_ == nullptr) return;
  const auto first = [](RequestRecord::Clock::time_point& to, RequestRecord::Clock::time_point time) {
    if (to == RequestRecord::Clock::time_point() || (time != RequestRecord::Clock::time_point() && time < to))
      to = time;
  };
  record_->note([&](RequestRecord::Notes& notes) {
    notes.reused_tokens = reused_tokens_;
    notes.generated_tokens += piece.num_tokens;
    notes.finish_reasons.emplace_back(piece.called ? "tool_calls" : infer::name_of(*piece.finish));
    first(notes.submitted, piece.times.submitted);
    first(notes.started, piece.times.started);
    first(notes.first_token, piece.times.first_token);
    notes.ended = std::max(notes.ended, piece.times.ended);
  });
}

/// Whoever goes away pays for the prompt and for what was sent until then.
void Answer::count(int64_t more) {
  num_generated_ += more;
  reservation_->usage().output_tokens = num_generated_;
  reservation_->set_used(prompt_tokens_ + num_generated_);
}

void Answer::take(const AnswerPiece& piece) {
  places_->set_working();
  int64_t& generated = generated_.at(static_cast<size_t>(piece.choice));
  platform::UsageRecord& usage = reservation_->usage();
  if (is_reasoning(piece)) usage.reasoning_tokens += piece.num_tokens - generated;
  count(piece.num_tokens - generated);
  generated = piece.num_tokens;
  if (!piece.finish) return;
  usage.cached_tokens = reused_tokens_;
  usage.queue_seconds += seconds_between(piece.times.submitted, piece.times.started);
  usage.compute_seconds += seconds_between(piece.times.started, piece.times.ended);
}

Answer::Next Answer::next(AnswerPiece& piece) {
  bool ended = true;
  for (size_t i = 0; i < generations_.size(); ++i) {
    const Next next = generations_[i]->next(piece);
    if (next == Next::kFailed) error_ = generations_[i]->error();
    if (next == Next::kPiece) {
      piece.choice += static_cast<int64_t>(i) * choices_per_prompt_;
      if (piece.finish && piece.choice % choices_per_prompt_ == 0) reused_tokens_ += piece.num_reused;
      take_apart(piece);
      take(piece);
      if (writer_ != nullptr) writer_->add(piece, piece.called);
      if (piece.finish) note_end(piece);
    }
    if (next == Next::kFailed || next == Next::kPiece) return next;
    ended &= next == Next::kEnd;
  }
  return ended ? Next::kEnd : Next::kWait;
}

Json Answer::receipt() const { return writer_ == nullptr ? Json(nullptr) : writer_->issue(); }

void Answer::take_apart(AnswerPiece& piece) {
  text::AnswerParser& parser = *parsers_[static_cast<size_t>(piece.choice)];
  piece.events.clear();
  parser.push(piece.text, piece.events);
  if (piece.finish) parser.finish(piece.events);
  if (piece.finish && parser.ended()) piece.finish = infer::FinishReason::kStop, piece.stop.clear();
  // A stop string is the client's own end: what came before it may be half a call.
  piece.called = piece.finish == infer::FinishReason::kStop && piece.stop.empty() && parser.num_calls() > 0;
  piece.text.clear();
  for (const text::AnswerEvent& event : piece.events)
    if (event.kind == text::AnswerEvent::Kind::kText) piece.text += event.text;
}

}  // namespace maru::serving
