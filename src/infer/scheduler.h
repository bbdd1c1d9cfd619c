// Continuous batching: which tokens of which sequences the next step computes, and who holds which pages.
//
// There are no phases. A sequence has tokens that are known (its prompt, then what was sampled) and tokens that are
// computed (their keys and values lie in its pages); every step lets computed catch up with known. A sequence one token
// behind decodes, one further behind prefills, and one whose pages were taken away starts again from zero.
//
//   order       first come, first served: nobody is admitted past an earlier sequence that waits and is not paused
//   budget      decoding sequences first, one token each; the rest of the step goes to prefill chunks, oldest first
//   pages       all pages for the known tokens are held from admission on; when a running sequence needs another
//               page and none is free, a paused or else the youngest sequence gives its pages up and is recomputed
//               later
//   progress    paused sequences give way to any other, and the oldest running one never does, so every step does
//               something while anybody wants something, and every sequence ends
//
// A pure state machine: no thread, no clock, no model. Owned by the engine thread.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "infer/page_allocator.h"

namespace maru::infer {

using SequenceId = int64_t;  // rises with arrival

struct SchedulerLimits {
  int64_t num_pages = 0;
  int64_t page_tokens = 64;
  int64_t step_tokens = 512;  // per step, all sequences together
  int64_t max_running = 32;   // sequences that hold pages
};

/// Tokens [first, first + count) of a sequence, to be computed in one step.
struct Chunk {
  SequenceId id = 0;
  int64_t first = 0, count = 0;
  bool last = false;  // reaches the newest known token: its logits give the next one
};

class Scheduler {
 public:
  /// Throws kInvalidArgument when a step cannot hold one token of every running sequence and one of a prefill.
  explicit Scheduler(const SchedulerLimits& limits);

  /// The most tokens one sequence may ever know.
  int64_t max_sequence_tokens() const { return pages_.num_pages() * limits_.page_tokens; }
  /// A new sequence of num_tokens known tokens; ids must rise. After `deadline` (any clock) it is reported by
  /// expired().
  void add(SequenceId id, int64_t num_tokens, double deadline = std::numeric_limits<double>::infinity());
  /// One more token is known.
  void append(SequenceId id);
  /// The sequence ended or was cancelled: its pages are free at once.
  void remove(SequenceId id);
  /// A paused sequence keeps its place but computes nothing.
  void pause(SequenceId id, bool paused);

  /// Sequences whose deadline lies before `now`.
  std::vector<SequenceId> expired(double now) const;
  /// What the next step computes; empty when there is nothing to do. Grants and takes pages.
  std::vector<Chunk> plan();
  /// The step was computed.
  void commit(std::span<const Chunk> chunks);

  bool contains(SequenceId id) const { return sequences_.contains(id); }
  /// The pages of a running sequence, in order of its tokens.
  const std::vector<PageId>& pages(SequenceId id) const { return at(id).pages; }
  int64_t num_computed(SequenceId id) const { return at(id).computed; }
  int64_t num_running() const { return num_running_; }
  int64_t num_preemptions() const { return num_preemptions_; }
  const PageAllocator& allocator() const { return pages_; }

 private:
  struct Sequence {
    int64_t known = 0, computed = 0;
    double deadline = 0;
    bool running = false, paused = false;
    std::vector<PageId> pages;
    bool schedulable() const { return running && !paused && computed < known; }
  };
  const Sequence& at(SequenceId id) const;
  Sequence& at(SequenceId id);
  int64_t pages_for(int64_t num_tokens) const { return (num_tokens + limits_.page_tokens - 1) / limits_.page_tokens; }
  void grow_running();
  bool grow(Sequence& sequence);
  Sequence* youngest_paused();
  Sequence* victim_for(SequenceId id);
  bool admit(Sequence& sequence);
  void preempt(Sequence& sequence);
  void admit_waiting();
  void schedule(std::vector<Chunk>& chunks, bool decoding, int64_t& budget) const;

  const SchedulerLimits limits_;
  PageAllocator pages_;
  std::map<SequenceId, Sequence> sequences_;  // in order of arrival
  int64_t num_running_ = 0, num_preemptions_ = 0;
};

}  // namespace maru::infer
