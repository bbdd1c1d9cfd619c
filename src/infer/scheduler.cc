#include "infer/scheduler.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace maru::infer {

Scheduler::Scheduler(const SchedulerLimits& limits) : limits_(limits), pages_(limits.num_pages) {
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

Scheduler::Sequence& Scheduler::at(SequenceId id) {
  const auto it = sequences_.find(id);
  CHECK(it != sequences_.end());
  return it->second;
}

void Scheduler::add(SequenceId id, int64_t num_tokens, double deadline) {
  CHECK(sequences_.empty() || id > sequences_.rbegin()->first);
  CHECK(num_tokens > 0 && num_tokens <= max_sequence_tokens());
  sequences_.emplace_hint(sequences_.end(), id, Sequence{.known = num_tokens, .deadline = deadline});
}

void Scheduler::append(SequenceId id) {
  Sequence& sequence = at(id);
  CHECK(++sequence.known <= max_sequence_tokens());
}

void Scheduler::remove(SequenceId id) {
  Sequence& sequence = at(id);
  pages_.release(sequence.pages);
  num_running_ -= sequence.running;
  sequences_.erase(id);
}

void Scheduler::pause(SequenceId id, bool paused) { at(id).paused = paused; }

std::vector<SequenceId> Scheduler::expired(double now) const {
  std::vector<SequenceId> ids;
  for (const auto& [id, sequence] : sequences_)
    if (sequence.deadline < now) ids.push_back(id);
  return ids;
}

std::vector<Chunk> Scheduler::plan() {
  grow_running();
  admit_waiting();
  std::vector<Chunk> chunks;
  int64_t budget = limits_.step_tokens;
  schedule(chunks, true, budget);
  schedule(chunks, false, budget);
  return chunks;
}

void Scheduler::commit(std::span<const Chunk> chunks) {
  for (const Chunk& chunk : chunks) {
    Sequence& sequence = at(chunk.id);
    CHECK(sequence.computed == chunk.first && chunk.first + chunk.count <= sequence.known);
    sequence.computed += chunk.count;
  }
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
  const int64_t missing = pages_for(sequence.known) - static_cast<int64_t>(sequence.pages.size());
  return missing <= 0 || pages_.allocate(missing, sequence.pages);
}

Scheduler::Sequence* Scheduler::youngest_paused() {
  for (auto it = sequences_.rbegin(); it != sequences_.rend(); ++it)
    if (it->second.paused && it->second.running) return &it->second;
  return nullptr;
}

/// The youngest paused sequence, else the youngest that is younger than `id`; null when `id` itself must give way.
Scheduler::Sequence* Scheduler::victim_for(SequenceId id) {
  if (Sequence* paused = youngest_paused()) return paused;
  for (auto it = sequences_.rbegin(); it != sequences_.rend() && it->first > id; ++it)
    if (it->second.running) return &it->second;
  return nullptr;
}

void Scheduler::preempt(Sequence& sequence) {
  pages_.release(sequence.pages);
  sequence.computed = 0;
  sequence.running = false;
  --num_running_;
  ++num_preemptions_;
}

void Scheduler::admit_waiting() {
  for (auto& [id, sequence] : sequences_) {
    if (sequence.running || sequence.paused) continue;
    while (!admit(sequence)) {
      Sequence* paused = youngest_paused();
      if (paused == nullptr) return;  // and nobody behind it either
      preempt(*paused);
    }
  }
}

bool Scheduler::admit(Sequence& sequence) {
  if (num_running_ >= limits_.max_running || !grow(sequence)) return false;
  sequence.running = true;
  ++num_running_;
  return true;
}

void Scheduler::schedule(std::vector<Chunk>& chunks, bool decoding, int64_t& budget) const {
  for (const auto& [id, sequence] : sequences_) {
    const int64_t behind = sequence.known - sequence.computed;
    if (budget == 0 || !sequence.schedulable() || (behind == 1) != decoding) continue;
    const int64_t count = std::min(behind, budget);
    chunks.push_back({.id = id, .first = sequence.computed, .count = count, .last = count == behind});
    budget -= count;
  }
}

}  // namespace maru::infer
