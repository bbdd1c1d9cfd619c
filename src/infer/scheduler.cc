#include "infer/scheduler.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace maru::infer {
namespace {

// Of a token that is read and of one that is written (arXiv 2401.00588, §3.1): the second takes a step of its own.
constexpr double kReadCost = 1, kWriteCost = 2;

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), pages_(limits.num_pages, limits.page_tokens) {
  if (limits.step_tokens <= limits.max_running)
    throw Failure(ErrorCode::kInvalidArgument, "step_tokens = " + std::to_string(limits.step_tokens) +
                                                   ": expected more than the number of running sequences, " +
                                                   std::to_string(limits.max_running));
}

const Scheduler::Sequence& Scheduler::at(SequenceId id) const {
  const auto it = sequences_.find(id);
  CHECK(it != sequences_.end());
  return it->second;
}

Scheduler::Sequence& Scheduler::at(SequenceId id) { return const_cast<Sequence&>(std::as_const(*this).at(id)); }

template <class F>
void Scheduler::set_state(Sequence& sequence, F change) {
  const bool waited = sequence.waits();
  num_running_ -= sequence.running;
  change(sequence);
  num_running_ += sequence.running;
  if (waited && !sequence.waits()) queue_.stop_waiting(sequence.arrival.tenant);
  if (!waited && sequence.waits()) queue_.wait(sequence.arrival.tenant);
}

void Scheduler::add(SequenceId id, Arrival arrival) {
  CHECK(sequences_.empty() || id > sequences_.rbegin()->first);
  CHECK(!arrival.tokens.empty() && std::ssize(arrival.tokens) <= max_sequence_tokens() && arrival.weight > 0);
  Sequence sequence{.tokens = std::move(arrival.tokens)};
  queue_.enter(arrival.tenant);
  queue_.wait(arrival.tenant);
  sequence.arrival = std::move(arrival);
  sequences_.emplace_hint(sequences_.end(), id, std::move(sequence));
}

void Scheduler::append(SequenceId id, int32_t token, bool computed) {
  Sequence& sequence = at(id);
  sequence.tokens.push_back(token);
  CHECK(sequence.known() <= max_sequence_tokens());
  charge(sequence, kWriteCost);
  if (!computed) return;
  CHECK(sequence.computed + 1 == sequence.known() && pages_for(sequence.known()) <= std::ssize(sequence.pages));
  advance(sequence, 1);
}

void Scheduler::remove(SequenceId id) {
  Sequence& sequence = at(id);
  pages_.release(sequence.pages);
  set_state(sequence, [](Sequence& s) { s.running = false, s.paused = true; });
  queue_.leave(sequence.arrival.tenant);
  sequences_.erase(id);
}

void Scheduler::pause(SequenceId id, bool paused) {
  set_state(at(id), [&](Sequence& s) { s.paused = paused; });
}

std::vector<SequenceId> Scheduler::expired(double now) const {
  std::vector<SequenceId> ids;
  for (const auto& [id, sequence] : sequences_)
    if (sequence.arrival.deadline < now) ids.push_back(id);
  return ids;
}

std::vector<Chunk> Scheduler::plan() {
  grow_running();
  admit_waiting();
  std::vector<Chunk> chunks;
  int64_t budget = limits_.step_tokens;
  const auto schedule = [&](const Entry& entry, bool decoding) {
    const Sequence& sequence = entry.second;
    const int64_t behind = sequence.known() - sequence.computed;
    if (budget == 0 || !sequence.schedulable() || (behind == 1) != decoding) return;
    const int64_t count = std::min(behind, budget);
    chunks.push_back({.id = entry.first, .first = sequence.computed, .count = count, .last = count == behind});
    budget -= count;
  };
  for (const Entry& entry : sequences_) schedule(entry, true);
  for (const Entry* entry : in_turn()) schedule(*entry, false);
  add_drafts(chunks, budget);
  for (auto& [id, sequence] : sequences_) sequence.drafts = 0;
  return chunks;
}

void Scheduler::commit(std::span<const Chunk> chunks) {
  for (const Chunk& chunk : chunks) {
    Sequence& sequence = at(chunk.id);
    CHECK(sequence.computed == chunk.first && chunk.first + chunk.count <= sequence.known());
    advance(sequence, chunk.count);
  }
}

/// For the known tokens that were not charged for yet: what is computed twice is charged once.
void Scheduler::charge(Sequence& sequence, double cost_per_token) {
  const int64_t owed = sequence.known() - std::exchange(sequence.paid, sequence.known());
  queue_.serve(sequence.arrival.tenant, cost_per_token * static_cast<double>(owed) / sequence.arrival.weight);
}

/// `count` more tokens are computed; the pages that they fill are known from now on.
void Scheduler::advance(Sequence& sequence, int64_t count) {
  const int64_t full = whole_pages(sequence.computed);
  sequence.computed += count;
  if (!limits_.prefix_cache) return;
  for (int64_t page = full; page < whole_pages(sequence.computed); ++page) {
    const std::span tokens(sequence.tokens.data() + page * limits_.page_tokens,
                           static_cast<size_t>(limits_.page_tokens));
    pages_.know(sequence.prefix, tokens, sequence.pages[static_cast<size_t>(page)]);
  }
}

/// Whose turn is earlier.
bool Scheduler::before(const Entry& a, const Entry& b) const {
  const auto key = [&](const Entry& entry) {
    const Arrival& arrival = entry.second.arrival;
    return std::tuple<double, const std::string&, int64_t, SequenceId>(queue_.served(arrival.tenant), arrival.tenant,
                                                                       arrival.priority, entry.first);
  };
  return key(a) < key(b);
}

/// Oldest first, so that who takes pages away is older than who gives them up.
void Scheduler::grow_running() {
  for (auto& [id, sequence] : sequences_)
    while (sequence.schedulable() && !grow(sequence)) {
      Sequence* victim = victim_for(id);
      preempt(victim == nullptr ? sequence : *victim);
    }
}

bool Scheduler::grow(Sequence& sequence) {
  const int64_t missing = pages_for(sequence.known()) - std::ssize(sequence.pages);
  return missing <= 0 || pages_.allocate(missing, sequence.pages);
}

Scheduler::Sequence* Scheduler::youngest_paused() {
  for (auto it = sequences_.rbegin(); it != sequences_.rend(); ++it)
    if (it->second.paused && it->second.running) return &it->second;
  return nullptr;
}

/// The youngest paused sequence, else of those younger than `id` the youngest of the tenant that got most; null when
/// `id` itself must give way.
Scheduler::Sequence* Scheduler::victim_for(SequenceId id) {
  if (Sequence* paused = youngest_paused()) return paused;
  Sequence* victim = nullptr;
  for (auto it = sequences_.rbegin(); it != sequences_.rend() && it->first > id; ++it) {
    if (!it->second.running) continue;
    const auto served = [&](const Sequence& s) { return queue_.served(s.arrival.tenant); };
    if (victim == nullptr || served(it->second) > served(*victim)) victim = &it->second;
  }
  return victim;
}

void Scheduler::preempt(Sequence& sequence) {
  pages_.release(sequence.pages);
  sequence.computed = 0;
  set_state(sequence, [](Sequence& s) { s.running = false; });
  ++num_preemptions_;
}

/// Pages that others may compute for it: the newest token's logits are wanted, so that one is its own.
int64_t Scheduler::most_shared(const Sequence& sequence) const {
  return limits_.prefix_cache && !sequence.arrival.compute_all ? whole_pages(sequence.known() - 1) : 0;
}

/// Who ended, was paused or lost its pages would be waited for without end.
bool Scheduler::still_leads(const Entry& follower) const {
  const auto leader = sequences_.find(follower.second.lead->id);
  if (leader == sequences_.end() || !leader->second.schedulable()) return false;
  return whole_pages(leader->second.computed) < follower.second.lead->pages;
}

/// The running sequence that will compute most of what `entry` begins with and nobody has computed yet.
std::optional<Scheduler::Lead> Scheduler::lead_of(const Entry& entry) const {
  const Sequence& sequence = entry.second;
  const int64_t most = most_shared(sequence);
  Lead lead;
  for (const Entry& other : sequences_) {
    const Sequence& s = other.second;
    if (!s.schedulable() || !s.prefix.known || s.arrival.salt != sequence.arrival.salt) continue;
    const auto alike = std::mismatch(s.tokens.begin(), s.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
    const int64_t pages = std::min(most, whole_pages(alike.first - s.tokens.begin()));
    if (pages > lead.pages) lead = {.id = other.first, .pages = pages};
  }
  if (lead.pages <= pages_.num_known(sequence.arrival.salt, sequence.tokens, lead.pages)) return {};
  return lead;
}

Scheduler::Entry* Scheduler::next_waiting() {
  Entry* next = nullptr;
  for (Entry& entry : sequences_) {
    if (!entry.second.waits() || entry.second.lead) continue;
    if (next == nullptr || before(entry, *next)) next = &entry;
  }
  return next;
}

void Scheduler::admit_waiting() {
  for (Entry& entry : sequences_)
    if (entry.second.lead && !still_leads(entry)) entry.second.lead.reset();
  while (Entry* next = next_waiting()) {
    if ((next->second.lead = lead_of(*next))) continue;
    while (!admit(next->second)) {
      Sequence* paused = youngest_paused();
      if (paused == nullptr) return;  // and nobody behind it either
      preempt(*paused);
    }
  }
}

bool Scheduler::admit(Sequence& sequence) {
  if (num_running_ >= limits_.max_running) return false;
  sequence.prefix = pages_.hold_prefix(sequence.arrival.salt, sequence.tokens, most_shared(sequence), sequence.pages);
  const int64_t reused = std::ssize(sequence.pages) * limits_.page_tokens;
  if (!grow(sequence)) {
    pages_.release(sequence.pages);
    return false;
  }
  sequence.computed = reused;
  set_state(sequence, [](Sequence& s) { s.running = true; });
  if (!std::exchange(sequence.was_admitted, true)) sequence.reused = sequence.paid = reused;
  charge(sequence, kReadCost);
  return true;
}

/// Who can be computed, in the order of turns. Of a leader the earliest turn counts, its own or a follower's.
std::vector<Scheduler::Entry*> Scheduler::in_turn() {
  std::map<SequenceId, const Entry*> turns;
  const auto offer = [&](SequenceId id, const Entry& turn) {
    const auto [place, is_new] = turns.try_emplace(id, &turn);
    if (!is_new && before(turn, *place->second)) place->second = &turn;
  };
  std::vector<Entry*> entries;
  for (Entry& entry : sequences_) {
    if (entry.second.lead) offer(entry.second.lead->id, entry);
    if (!entry.second.schedulable()) continue;
    offer(entry.first, entry);
    entries.push_back(&entry);
  }
  std::ranges::sort(entries, [&](const Entry* a, const Entry* b) {
    const Entry *first = turns.at(a->first), *second = turns.at(b->first);
    return first == second ? a->first < b->first : before(*first, *second);
  });
  return entries;
}

/// Only into pages that are held anyway.
void Scheduler::add_drafts(std::vector<Chunk>& chunks, int64_t budget) const {
  for (Chunk& chunk : chunks) {
    const Sequence& sequence = at(chunk.id);
    if (!chunk.last) continue;
    const int64_t room = std::ssize(sequence.pages) * limits_.page_tokens - sequence.known();
    chunk.drafts = std::min({sequence.drafts, room, budget});
    budget -= chunk.drafts;
  }
}

}  // namespace maru::infer
