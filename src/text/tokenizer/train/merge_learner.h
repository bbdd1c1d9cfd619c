// Chooses BPE merges from pre-token counts: again and again the most frequent adjacent pair, of equal counts the one
// with the lowest ids, until the vocabulary is full or no pair is frequent enough.
//
// Counts of pairs and the words they stand in are kept up to date, so that a merge only touches the words that have
// it; the queue holds counts that may be too high and corrects them when they come up (lazy deletion). The rules are
// Hugging Face's BpeTrainer's, which fixes the order of merges completely: see docs/tokenizer.md. The result is a pure
// function of the counts as a multiset. Single-threaded.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer/bpe_model.h"
#include "text/tokenizer/train/pretoken_counter.h"

namespace maru::text {

class MergeLearner {
 public:
  struct Options {
    int32_t first_id = 0;               // of the 256 byte tokens; learned tokens follow them
    int32_t vocab_size = 0;             // ids below this
    int64_t min_frequency = 2;          // pairs rarer than this are not merged
    size_t max_token_bytes = 64;        // longer tokens are not made
    std::vector<std::string> reserved;  // bytes that no learned token may spell (special tokens)
  };
  MergeLearner(const std::vector<PretokenCount>& counts, const Options& options);
  /// Learns one merge; false when done.
  bool step();
  const std::vector<Merge>& merges() const { return merges_; }
  /// Tokens so far by id - first_id: bytes, then learned ones in order.
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  struct Word {
    uint64_t begin;
    uint32_t length;
    int64_t count;
  };
  struct Pair {
    int64_t count = 0;
    std::vector<uint32_t> words;  // where it stands; may name words that have lost it
    bool merged = false;
  };
  struct Candidate {
    int64_t count;
    uint64_t key;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : key > other.key;
    }
  };
  /// What one merge changes about the pairs with one neighbour.
  struct Neighbour {
    int64_t count = 0;
    std::vector<uint32_t> words;
  };
  /// Neighbours of the merged pair on one side, by token.
  struct Side {
    std::vector<Neighbour> by_token;
    std::vector<int32_t> touched;
    void add(int32_t token, int64_t count, uint32_t word);
  };

  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  void add_words(const std::vector<PretokenCount>& counts);
  void count_pairs();
  /// The best pair whose count is current; false if none may be merged.
  bool pop_best(Candidate& best);
  int32_t token_for(int32_t left, int32_t right);
  bool may_join(int32_t left, int32_t right) const;
  void merge_in_word(uint32_t index, int32_t left, int32_t right, int32_t result);
  void take_from(int32_t left, int32_t right, int64_t count);
  void give_to(int32_t left, int32_t right, Neighbour& neighbour);
  void apply_changes(int32_t left, int32_t right, int32_t result);
  std::string& bytes_of(int32_t id) { return tokens_[static_cast<size_t>(id - options_.first_id)]; }
  const std::string& bytes_of(int32_t id) const { return tokens_[static_cast<size_t>(id - options_.first_id)]; }

  Options options_;
  std::vector<int32_t> symbols_;
  std::vector<Word> words_;
  std::unordered_map<uint64_t, Pair> pairs_;
  std::priority_queue<Candidate> queue_;
  Side left_side_, right_side_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> id_of_;
  std::vector<Merge> merges_;
};

}  // namespace maru::text
