// Continuous batching: which tokens of which sequences the next step computes, and who holds which pages.
//
// There are no phases. A sequence has tokens that are known (its prompt, then what was sampled) and tokens that are
// computed (their keys and values lie in its pages); every step lets computed catch up with known. A sequence one token
// behind decodes, one further behind prefills, and one whose pages were taken away starts again from what is known of
// its beginning.
//
//   order       tenants take turns: next is whoever got least (fair_queue.h). Of one tenant, the lower priority number,
//               then first come, first served. Nobody is admitted past who is next, unless that one is paused or
//               follows another
//   following   who begins like a running sequence that has not computed that beginning yet waits until it has, and
//               lends it its turn: the pages are shared then instead of computed twice
//   budget      decoding sequences first, one token each; the rest of the step goes to prefill chunks in that order,
//               and what is left to drafts: guessed tokens behind the newest one
//   pages       all pages for the known tokens are held from admission on, those of a known beginning shared with
//               others (page_pool.h); when a running sequence needs another page and none is left, a paused one, or
//               else of the younger ones the youngest of the tenant that got most gives its pages up and is computed
//               again later
//   progress    paused sequences give way to any other, and the oldest running one never does, so every step does
//               something while anybody wants something, and every sequence ends
//
// A pure state machine: no thread, no clock, no model. Owned by the engine thread.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "infer/fair_queue.h"
#include "infer/page_pool.h"

namespace maru::infer {

using SequenceId = int64_t;  // rises with arrival

struct SchedulerLimits {
  int64_t num_pages = 0;
  int64_t page_tokens = 64;
  int64_t step_tokens = 512;  // per step, all sequences together
  int64_t max_running = 32;   // sequences that hold pages
  bool prefix_cache = true;   // share pages of what begins alike
};

/// A new sequence.
struct Arrival {
  std::vector<int32_t> tokens;                                // known ones, at least one
  double deadline = std::numeric_limits<double>::infinity();  // of any clock; then it is reported by expired()
  std::string tenant = {};
  double weight = 1;         // of the tenant: with 2 it gets twice as much
  int64_t priority = 0;      // among its tenant's; lower is earlier
  uint64_t salt = 0;         // pages are shared with sequences of the same salt only
  bool compute_all = false;  // every token's logits are wanted: nothing of it is taken from others
};

/// Tokens [first, first + count + drafts) of a sequence, to be computed in one step.
struct Chunk {
  SequenceId id = 0;
  int64_t first = 0, count = 0;
  int64_t drafts = 0;  // of those proposed
  bool last = false;   // reaches the newest known token: its logits give the next one
};

class Scheduler {
 public:
  /// Throws kInvalidArgument when a step cannot hold one token of every running sequence and one of a prefill.
  explicit Scheduler(const SchedulerLimits& limits);

  /// The most tokens one sequence may ever know.
  int64_t max_sequence_tokens() const { return pages_.num_pages() * limits_.page_tokens; }
  /// Ids must rise.
  void add(SequenceId id, Arrival arrival);
  /// `drafts` tokens could be guessed behind the newest one of a sequence, for the next plan only.
  void propose(SequenceId id, int64_t drafts) { at(id).drafts = drafts; }
  /// One more token is known. `computed`: it was guessed right, so that its place in the pages is filled already.
  void append(SequenceId id, int32_t token, bool computed = false);
  /// The sequence ended or was cancelled: its pages are free at once.
  void remove(SequenceId id);
  /// A paused sequence keeps its place but computes nothing.
  void pause(SequenceId id, bool paused);

  /// Sequences whose deadline lies before `now`.
  std::vector<SequenceId> expired(double now) const;
  /// What the next step computes; empty when there is nothing to do. Grants and takes pages.
  std::vector<Chunk> plan();
  /// The step was computed: the known tokens of each chunk.
  void commit(std::span<const Chunk> chunks);

  bool contains(SequenceId id) const { return sequences_.contains(id); }
  const std::vector<int32_t>& tokens(SequenceId id) const { return at(id).tokens; }
  /// The pages of a running sequence, in order of its tokens.
  const std::vector<PageId>& pages(SequenceId id) const { return at(id).pages; }
  int64_t num_computed(SequenceId id) const { return at(id).computed; }
  /// Tokens of its first admission that were not computed because others had done so.
  int64_t num_reused(SequenceId id) const { return at(id).reused; }
  int64_t num_running() const { return num_running_; }
  int64_t num_preemptions() const { return num_preemptions_; }
  const PagePool& pool() const { return pages_; }
  const FairQueue& queue() const { return queue_; }

 private:
  /// Who computes the first `pages` pages of a sequence that follows it.
  struct Lead {
    SequenceId id = 0;
    int64_t pages = 0;
  };
  struct Sequence {
    Arrival arrival;
    std::vector<int32_t> tokens;
    int64_t computed = 0, drafts = 0, reused = 0;
    int64_t paid = 0;  // tokens that the tenant was charged for
    bool running = false, paused = false, was_admitted = false;
    std::optional<Lead> lead;  // followed
    std::vector<PageId> pages;
    PagePool::Prefix prefix;  // as far as pages are full
    int64_t known() const { return static_cast<int64_t>(tokens.size()); }
    bool schedulable() const { return running && !paused && computed < known(); }
    bool waits() const { return !running && !paused; }
  };
  using Entry = std::map<SequenceId, Sequence>::value_type;
  const Sequence& at(SequenceId id) const;
  Sequence& at(SequenceId id);
  int64_t pages_for(int64_t num_tokens) const { return (num_tokens + limits_.page_tokens - 1) / limits_.page_tokens; }
  int64_t whole_pages(int64_t num_tokens) const { return num_tokens / limits_.page_tokens; }
  /// `change` changes what running or paused say.
  template <class F>
  void set_state(Sequence& sequence, F change);
  void charge(Sequence& sequence, double cost_per_token);
  void advance(Sequence& sequence, int64_t count);
  bool before(const Entry& a, const Entry& b) const;
  void grow_running();
  bool grow(Sequence& sequence);
  Sequence* youngest_paused();
  Sequence* victim_for(SequenceId id);
  void preempt(Sequence& sequence);
  int64_t most_shared(const Sequence& sequence) const;
  bool still_leads(const Entry& follower) const;
  std::optional<Lead> lead_of(const Entry& entry) const;
  Entry* next_waiting();
  void admit_waiting();
  bool admit(Sequence& sequence);
  std::vector<Entry*> in_turn();
  void add_drafts(std::vector<Chunk>& chunks, int64_t budget) const;

  const SchedulerLimits limits_;
  PagePool pages_;
  FairQueue queue_;
  std::map<SequenceId, Sequence> sequences_;  // in order of arrival
  int64_t num_running_ = 0, num_preemptions_ = 0;
};

}  // namespace maru::infer
