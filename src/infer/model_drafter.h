// Guesses what comes next with a small model of the same tokens (speculative decoding): its likeliest token, then the
// one after that. All sequences of a step guess together. What is kept of a guess is decided by the engine's sampler,
// so an answer is the same with and without.
//
// Source   Leviathan et al. 2022, arXiv:2211.17192; the guess is a point, so a token is kept exactly where the sampler
//          draws it.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "infer/draft_length.h"
#include "infer/scheduler.h"
#include "infer/step_model.h"

namespace maru::infer {

/// Owned by the engine thread.
class ModelDrafter {
 public:
  /// `model` must outlive it. `vocab_size`: of the model that is guessed for; other tokens are never guessed.
  /// `step_tokens`: of what is known already, taken in at once.
  ModelDrafter(StepModel& model, int64_t vocab_size, int64_t most, int64_t step_tokens);

  /// A sequence that wants a guess of at most `most` tokens behind its `tokens`; what comes of it is in `guess`, empty
  /// where the model has not yet taken in all tokens, has no pages left, or is not worth asking now.
  struct Wish {
    SequenceId id = 0;
    std::span<const int32_t> tokens;
    int64_t most = 0;
    std::vector<int32_t> guess = {};
  };
  /// Throws what the model throws; it has forgotten all sequences then.
  void guess(std::span<Wish> wishes);
  void learn(SequenceId id, int64_t guessed, int64_t right);
  void forget(SequenceId id);

 private:
  struct Sequence {
    DraftLength length;
    std::vector<int32_t> taken = {};  // tokens whose keys and values lie in the pages
    int64_t checked = 0;              // of them, known to be the sequence's own
    std::vector<PageId> pages = {};
  };
  struct Turn {
    Wish* wish;
    Sequence* sequence;
    int64_t length;
  };
  static void drop_wrong(Sequence& sequence, std::span<const int32_t> tokens);
  bool hold(Sequence& sequence, int64_t tokens);
  std::vector<Turn> begin(std::span<Wish> wishes);
  void take_in(std::vector<Turn>& turns);
  void go_on(const std::vector<Turn>& turns);
  void run(std::span<const StepSequence> sequences, std::span<const Turn> turns);
  void forget_all();

  StepModel& model_;
  const int64_t vocab_size_, most_, step_tokens_;
  std::vector<PageId> free_;
  std::map<SequenceId, Sequence> sequences_;
};

}  // namespace maru::infer
