#include "infer/engine.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/hash.h"
#include "base/map_guard.h"
#include "infer/engine_active.h"
#include "models/adapter.h"

namespace maru::infer {
namespace {

using Seconds = std::chrono::duration<double>;

double seconds_since_epoch(std::chrono::steady_clock::time_point time) {
  return Seconds(time.time_since_epoch()).count();
}

Error current_error() {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure.error();
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kUnavailable, "out of memory"};
  } catch (const std::exception& e) {
    return {ErrorCode::kInternal, e.what()};
  }
}

SchedulerLimits limits_of(const StepModel& model, const EngineOptions& options) {
  return {.num_pages = model.num_pages(),
          .page_tokens = model.page_tokens(),
          .step_tokens = options.step_tokens,
          .max_running = options.max_running,
          .prefix_cache = options.prefix_cache};
}

ScoredToken scored(const Sample& sample) {
  return {sample.token, sample.logprob, {sample.top.begin(), sample.top.end()}, sample.rank};
}

[[noreturn]] void refuse(std::string message) { throw Failure(ErrorCode::kInvalidArgument, std::move(message)); }

}  // namespace

Engine::Engine(StepModel& model, const text::Tokenizer& tokenizer, EngineOptions options, EngineObserver* observer)
    : model_(model),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      observer_(observer),
      max_context_(std::min(model.max_context(), model.num_pages() * model.page_tokens())),
      scheduler_(limits_of(model, options_)),
      encoder_(tokenizer, 0),
      scratch_(static_cast<size_t>(model.num_workers()), SamplerScratch(model.vocab_size())) {
  if (options_.draft_model != nullptr && options_.draft_tokens > 0)
    drafter_.emplace(*options_.draft_model, model.vocab_size(), options_.draft_tokens, options_.step_tokens);
  publish_stats();
  thread_ = std::thread([this] { loop(); });
}

Engine::~Engine() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  mail_ready_.notify_all();
  thread_.join();
}

void Engine::check(const GenerationRequest& request) const {
  const auto size = static_cast<int64_t>(request.prompt.size());
  if (const int64_t most = options_.max_running + options_.max_waiting; request.choices < 1 || request.choices > most)
    refuse(std::to_string(request.choices) + " choices: expected 1 to " + std::to_string(most) + " at once");
  if (request.prompt.empty()) refuse("the prompt is empty: expected at least one token");
  for (int32_t token : request.prompt)
    if (token < 0 || token >= model_.vocab_size())
      refuse("token id " + std::to_string(token) + " of the prompt: expected an id below " +
             std::to_string(model_.vocab_size()));
  for (int32_t token : request.stop_tokens)
    if (token < 0 || token >= model_.vocab_size())
      refuse("token id " + std::to_string(token) + " that ends the answer: expected an id below " +
             std::to_string(model_.vocab_size()));
  infer::check(request.sampling, model_.vocab_size());
  if (request.max_tokens < 0 || size > max_context_ || request.max_tokens > max_context_ - size)
    refuse("the prompt has " + std::to_string(size) + " tokens and max_tokens is " +
           std::to_string(request.max_tokens) + ": expected at most " + std::to_string(max_context_) + " together");
}

/// Who shares pages: the same adapter, the same tenant unless that does not matter, and what the request wants.
uint64_t Engine::salt_of(const GenerationRequest& request) const {
  const uint64_t adapter = request.adapter != nullptr ? request.adapter->serial() : 0;
  const uint64_t tenant = options_.shared_prefixes ? 0 : hash64(request.tenant, 1);
  return mix64(mix64(adapter ^ mix64(tenant)) ^ hash64(request.cache_salt, 2));
}

const text::TokenTrie& Engine::token_trie() {
  std::call_once(trie_made_, [&] { trie_ = std::make_unique<text::TokenTrie>(tokenizer_, model_.vocab_size()); });
  return *trie_;
}

std::unique_ptr<Generation> Engine::submit(GenerationRequest request, std::function<void()> wake) {
  check(request);
  if (request.constraint) token_trie();  // here, not on the engine thread
  const int64_t choices = request.choices;
  if (open_choices_.fetch_add(choices) + choices > options_.max_running + options_.max_waiting) {
    open_choices_ -= choices;
    throw Failure(ErrorCode::kExhausted, "too many requests are waiting; try again in a moment");
  }
  const uint64_t seed = request.seed.value_or(mix64(options_.seed ^ mix64(++requests_)));
  auto channel = std::make_shared<Channel>(choices, static_cast<size_t>(options_.channel_pieces), std::move(wake));
  channel->set_notify([this] { notify(); });
  auto generation = std::make_unique<Generation>(channel, seed);
  {
    std::lock_guard lock(mutex_);
    if (stopping_) throw Failure(ErrorCode::kUnavailable, "the server is stopping");
    mail_.push_back(
        {std::make_shared<const GenerationRequest>(std::move(request)), std::move(channel), seed, Clock::now()});
  }
  mail_ready_.notify_all();
  return generation;
}

EngineStats Engine::stats() const {
  std::lock_guard lock(mutex_);
  EngineStats stats = stats_;
  stats.waiting = std::max<int64_t>(0, open_choices_ - stats.running);  // those in the mailbox too
  return stats;
}

void Engine::notify() {
  {
    std::lock_guard lock(mutex_);
    notified_ = true;
  }
  mail_ready_.notify_all();
}

void Engine::loop() {
  std::vector<Submission> mail;
  for (bool idle = false; collect_mail(mail, idle); idle = !step()) {
    for (const Submission& submission : mail) admit(submission);
    drop_abandoned();
    expire();
    pause_slow_readers();
    publish_stats();
  }
  const Error stopped{ErrorCode::kUnavailable, "the server is stopping"};
  for (const Submission& submission : mail) fail(submission.channel, stopped);
  while (!active_.empty()) fail(active_.begin()->second.channel, stopped);
}

/// Waits when there was nothing to do, but not past a deadline by much. False when the engine is to stop.
bool Engine::collect_mail(std::vector<Submission>& mail, bool idle) {
  mail.clear();
  std::unique_lock lock(mutex_);
  const auto something = [&] { return stopping_ || notified_ || !mail_.empty(); };
  if (idle && active_.empty()) mail_ready_.wait(lock, something);
  if (idle) mail_ready_.wait_for(lock, std::chrono::milliseconds(50), something);
  notified_ = false;
  mail.swap(mail_);
  return !stopping_;
}

void Engine::admit(const Submission& submission) {
  const int64_t choices = submission.request->choices;
  int64_t choice = 0;
  try {
    for (; choice < choices; ++choice) admit_choice(submission, choice);
    counts_.prompt_tokens += static_cast<int64_t>(submission.request->prompt.size());
  } catch (...) {
    open_choices_ -= choices - choice;
    fail(submission.channel, current_error());
  }
}

void Engine::admit_choice(const Submission& submission, int64_t choice) {
  const GenerationRequest& request = *submission.request;
  const SequenceId id = next_id_++;
  const uint64_t seed = mix64(submission.seed + static_cast<uint64_t>(choice) * 0x9e3779b97f4a7c15ull);
  Active active{
      .request = submission.request,
      .channel = submission.channel,
      .choice = choice,
      .sampler = Sampler(request.sampling, seed, request.prompt),
      .grammar = nullptr,
      .drafter = NgramDrafter(options_.draft_tokens),
      .text = AnswerText(tokenizer_, request.stop, request.sampling.top_logprobs >= 0 || request.tells_tokens,
                         std::span(request.prompt).first(request.continues_prompt ? request.prompt.size() : 0),
                         request.shown, {.special = request.shows_special, .stop = request.keeps_stop}),
      .last_time = submission.time,
      .times = {.submitted = submission.time}};
  active.end_tokens = request.ignore_eos ? std::vector<int32_t>() : options_.end_tokens;
  active.end_tokens.insert(active.end_tokens.end(), request.stop_tokens.begin(), request.stop_tokens.end());
  if (request.min_tokens > 0) active.sampler.add(std::make_unique<MinTokens>(request.min_tokens, active.end_tokens));
  if (request.constraint) {
    auto grammar = std::make_unique<GrammarProcessor>(*request.constraint, token_trie(), active.end_tokens);
    active.grammar = grammar.get();
    active.sampler.add(std::move(grammar));
  }
  if (request.make_end) active.is_over = request.make_end();
  if (request.score_prompt) active.prompt_scores.push_back({.token = request.prompt[0]});
  Active& added = active_.emplace(id, std::move(active)).first->second;
  scheduler_.add(id, {.tokens = request.prompt,
                      .deadline = seconds_since_epoch(submission.time) + request.timeout_seconds,
                      .tenant = request.tenant,
                      .weight = request.tenant_weight,
                      .priority = request.priority,
                      .salt = salt_of(request),
                      .compute_all = request.score_prompt});
  if (request.max_tokens == 0 && !request.score_prompt) end(id, added, FinishReason::kLength, {});
}

void Engine::drop_abandoned() {
  for (auto it = active_.begin(); it != active_.end();) {
    const auto here = it++;
    if (here->second.channel->abandoned()) remove(here->first);
  }
}

void Engine::expire() {
  for (SequenceId id : scheduler_.expired(seconds_since_epoch(Clock::now())))
    if (const auto it = active_.find(id); it != active_.end())
      fail(it->second.channel, {ErrorCode::kDeadline, "the request took longer than its time limit"});
}

void Engine::pause_slow_readers() {
  for (const auto& [id, active] : active_) scheduler_.pause(id, active.channel->full());
}

/// False when there was nothing to compute.
bool Engine::step() {
  guess();
  const std::vector<Chunk> chunks = scheduler_.plan();
  if (chunks.empty()) return false;
  const auto begin = Clock::now();
  for (const Chunk& chunk : chunks)
    if (auto& started = active_.at(chunk.id).times.started; started == Clock::time_point()) started = begin;
  std::vector<ChunkOutcome> outcomes(chunks.size());
  if (compute(chunks, outcomes)) scheduler_.commit(chunks);
  for (size_t i = 0; i < chunks.size(); ++i) deliver(chunks[i], outcomes[i]);
  int64_t tokens = 0;
  for (const Chunk& chunk : chunks) tokens += chunk.count + chunk.drafts;
  if (observer_ != nullptr) observer_->step(tokens, Seconds(Clock::now() - begin).count());
  return true;
}

StepSequence Engine::sequence_of(const Chunk& chunk, Active& active) const {
  const auto first = static_cast<size_t>(chunk.first), count = static_cast<size_t>(chunk.count);
  std::span<const int32_t> tokens = std::span(scheduler_.tokens(chunk.id)).subspan(first, count);
  if (chunk.drafts > 0) {
    active.step_tokens.assign(tokens.begin(), tokens.end());
    active.step_tokens.insert(active.step_tokens.end(), active.drafts.begin(), active.drafts.begin() + chunk.drafts);
    tokens = active.step_tokens;
  }
  int64_t wanted = chunk.last ? chunk.count - 1 : chunk.count;
  if (active.num_scored < active.num_to_score())
    wanted = std::clamp<int64_t>(active.num_scored - chunk.first, 0, wanted);
  return {.tokens = tokens,
          .past = chunk.first,
          .pages = scheduler_.pages(chunk.id),
          .first_logits_row = wanted,
          .adapter = active.request->adapter.get()};
}

/// False when the step failed as a whole: nothing of it may be used.
bool Engine::compute(const std::vector<Chunk>& chunks, std::vector<ChunkOutcome>& outcomes) {
  std::vector<StepSequence> sequences;
  for (const Chunk& chunk : chunks) sequences.push_back(sequence_of(chunk, active_.at(chunk.id)));
  std::unique_lock<Turns> turn;
  if (options_.turns != nullptr) turn = std::unique_lock(*options_.turns);
  std::optional<Error> error;
  try {
    model_.run(sequences,
               [&](const LogitsRow& row) { take_logits(chunks[row.sequence], row, outcomes[row.sequence]); });
  } catch (...) {
    error = current_error();
  }
  // Whatever came of weights that are gone must not leave.
  if (const auto intact = mapped_files_intact(); !intact) error = intact.error();
  if (!error) return true;
  for (ChunkOutcome& outcome : outcomes) outcome.error = error;
  return false;
}

/// Called by several workers at once, each with other sequences.
void Engine::take_logits(const Chunk& chunk, const LogitsRow& row, ChunkOutcome& outcome) {
  if (outcome.error) return;
  Active& active = active_.at(chunk.id);
  try {
    const int64_t position = chunk.first + row.row;
    if (position < active.num_to_score() && position == active.num_scored) {
      const int32_t token = active.request->prompt[static_cast<size_t>(++active.num_scored)];
      const GenerationRequest& request = *active.request;
      const int64_t top = request.prompt_top >= 0 ? request.prompt_top : request.sampling.top_logprobs;
      SamplerScratch& scratch = scratch_[static_cast<size_t>(row.worker)];
      active.prompt_scores.push_back(scored(logprobs_of(row.logits, token, std::max<int64_t>(top, 0), scratch)));
    }
    if (const int64_t draft = row.row - (chunk.count - 1); chunk.last && draft >= 0) sample(chunk, draft, row, outcome);
  } catch (...) {
    outcome.error = current_error();
  }
}

/// The token behind draft number `draft` (0: behind what is known), which counts only if all drafts before were right.
void Engine::sample(const Chunk& chunk, int64_t draft, const LogitsRow& row, ChunkOutcome& outcome) {
  Active& active = active_.at(chunk.id);
  if (active.request->max_tokens == 0 || std::ssize(outcome.tokens) < draft) return;
  if (draft > 0 && active.grammar != nullptr && active.grammar->is_over()) return;
  if (draft > 0 && outcome.tokens.back().token != active.drafts[static_cast<size_t>(draft) - 1]) return;
  outcome.tokens.push_back(scored(active.sampler.sample(row.logits, scratch_[static_cast<size_t>(row.worker)])));
}

void Engine::deliver(const Chunk& chunk, ChunkOutcome& outcome) {
  const auto it = active_.find(chunk.id);
  if (it == active_.end()) return;  // failed with another choice of its request
  const std::shared_ptr<Channel> channel = it->second.channel;
  try {
    if (!outcome.error) take_outcome(chunk, it->second, outcome);
  } catch (...) {
    outcome.error = current_error();
  }
  if (outcome.error) fail(channel, *outcome.error);
}

void Engine::take_outcome(const Chunk& chunk, Active& active, ChunkOutcome& outcome) {
  if (!chunk.last) return;
  if (active.request->score_prompt && active.generated == 0)
    active.channel->push({.choice = active.choice, .tokens = std::move(active.prompt_scores), .is_prompt = true});
  if (outcome.tokens.empty()) return end(chunk.id, active, FinishReason::kLength, {});
  const int64_t right = std::ssize(outcome.tokens) - 1;
  if (active.drafted_by == Active::By::kText) active.drafter.learn(chunk.drafts, right);
  if (active.drafted_by == Active::By::kModel) drafter_->learn(chunk.id, chunk.drafts, right);
  if (active.drafted_by == Active::By::kGrammar && chunk.drafts > 0)
    active.forced_misses = right > 0 ? 0 : active.forced_misses + 1;
  counts_.drafted_tokens += chunk.drafts;
  counts_.accepted_tokens += right;
  for (int64_t i = 0; i <= right; ++i)
    if (!accept(chunk.id, active, std::move(outcome.tokens[static_cast<size_t>(i)]), i < right)) return;
  if (active.grammar != nullptr && active.grammar->is_over()) end(chunk.id, active, FinishReason::kStop, {});
}

/// Whether an end token is in the text all the same.
bool Engine::keeps(const Active& active, int32_t end_token) {
  const GenerationRequest& request = *active.request;
  return request.keeps_stop &&
         std::find(request.stop_tokens.begin(), request.stop_tokens.end(), end_token) != request.stop_tokens.end();
}

/// False when the choice ended.
bool Engine::accept(SequenceId id, Active& active, ScoredToken token, bool computed) {
  time_token(active);
  scheduler_.append(id, token.token, computed);
  ++active.generated;
  ++counts_.generated_tokens;
  const auto& ends = active.end_tokens;
  Piece piece{.choice = active.choice, .num_tokens = active.generated};
  if (std::find(ends.begin(), ends.end(), token.token) != ends.end()) {
    if (keeps(active, token.token))
      active.text.push(std::move(token), piece);
    else
      piece.end_token = token.token;
    end(id, active, FinishReason::kStop, std::move(piece));
    return false;
  }
  const bool stopped = active.text.push(std::move(token), piece) || (active.is_over && active.is_over(piece.text));
  if (stopped || active.generated == active.request->max_tokens) {
    end(id, active, stopped ? FinishReason::kStop : FinishReason::kLength, std::move(piece));
    return false;
  }
  if (!piece.text.empty() || !piece.tokens.empty()) active.channel->push(std::move(piece));
  return true;
}

void Engine::time_token(Active& active) {
  const auto now = Clock::now();
  if (active.generated == 0) active.times.first_token = now;
  const double seconds = Seconds(now - std::exchange(active.last_time, now)).count();
  if (observer_ == nullptr) return;
  if (active.generated == 0)
    observer_->first_token(seconds);
  else
    observer_->next_token(seconds);
}

void Engine::end(SequenceId id, Active& active, FinishReason reason, Piece piece) {
  active.text.finish(piece);
  piece.choice = active.choice;
  piece.num_tokens = active.generated;
  piece.num_reused = scheduler_.num_reused(id);
  piece.finish = reason;
  active.times.ended = Clock::now();
  piece.times = active.times;
  if (observer_ != nullptr)
    observer_->ended({.times = active.times,
                      .prompt_tokens = std::ssize(active.request->prompt),
                      .generated_tokens = active.generated,
                      .max_tokens = active.request->max_tokens,
                      .finish = reason});
  if (reason == FinishReason::kStop) piece.stop = active.text.stop();
  if (active.request->digest) {
    const std::span<const int32_t> all = scheduler_.tokens(id);
    piece.digest = std::make_shared<const TokenDigest>(digest_of(all.subspan(active.request->prompt.size())));
  }
  active.channel->push(std::move(piece));
  remove(id);
}

/// Ends all choices of a request.
void Engine::fail(std::shared_ptr<Channel> channel, const Error& error) {
  channel->fail(error);
  for (auto it = active_.begin(); it != active_.end();) {
    const auto here = it++;
    if (here->second.channel == channel) remove(here->first);
  }
  channel->set_notify(nullptr);
}

void Engine::remove(SequenceId id) {
  const auto it = active_.find(id);
  const std::shared_ptr<Channel> channel = it->second.channel;
  counts_.reused_tokens += scheduler_.num_reused(id);
  scheduler_.remove(id);
  if (drafter_) drafter_->forget(id);
  active_.erase(it);
  --open_choices_;
  const auto same = [&](const auto& entry) { return entry.second.channel == channel; };
  if (std::none_of(active_.begin(), active_.end(), same)) channel->set_notify(nullptr);  // it may outlive the engine
}

void Engine::publish_stats() {
  counts_.running = scheduler_.num_running();
  counts_.pages = scheduler_.pool().num_pages();
  counts_.pages_used = scheduler_.pool().num_held();
  counts_.pages_known = scheduler_.pool().num_known();
  counts_.tenants = scheduler_.queue().num_tenants();
  counts_.preemptions = scheduler_.num_preemptions();
  std::lock_guard lock(mutex_);
  stats_ = counts_;
}

}  // namespace maru::infer
