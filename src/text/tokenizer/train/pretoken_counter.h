// Counts distinct pre-tokens of a stream of documents, on all threads, in bounded memory.
//
// Blocks of documents are counted by the workers into tables of their own, then summed into one table. When that table
// exceeds its limit after a block, its rarest pre-tokens are forgotten (all of one count together) until it is half
// full; a forgotten pre-token starts again from zero if it returns. Blocks, limits and what is forgotten depend on the
// documents alone: the counts are the same for every number of threads.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "text/tokenizer/pre_tokenizer.h"

namespace maru::text {

/// Distinct byte strings and their counts: open addressing over an arena.
class CountTable {
 public:
  struct Entry {
    uint64_t begin;
    uint32_t length;
    uint32_t hash;
    int64_t count;
  };
  CountTable();
  void add(std::string_view bytes, int64_t count) { add(bytes, hash_of(bytes), count); }
  void add(std::string_view bytes, uint32_t hash, int64_t count);
  const std::vector<Entry>& entries() const { return entries_; }
  std::string_view bytes(const Entry& entry) const { return {arena_.data() + entry.begin, entry.length}; }
  /// Memory in use, a function of the content alone.
  uint64_t memory_bytes() const { return arena_.size() + entries_.size() * (sizeof(Entry) + 2 * sizeof(uint32_t)); }
  void clear();
  static uint32_t hash_of(std::string_view bytes);

 private:
  void grow();
  std::vector<char> arena_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // index into entries_ + 1; 0: empty
};

struct PretokenCount {
  std::string bytes;
  int64_t count = 0;
};

struct PretokenReport {
  int64_t documents = 0, bytes = 0, pretokens = 0;              // read
  int64_t long_pretokens = 0;                                   // counted in parts
  int64_t prunings = 0, pruned_distinct = 0, pruned_count = 0;  // forgotten because of the memory limit
};

class PretokenCounter {
 public:
  struct Options {
    uint64_t memory_limit_bytes = uint64_t{4} << 30;
    size_t max_pretoken_bytes = 1024;  // longer ones are counted in parts, cut between characters
  };
  PretokenCounter(const PreTokenizer& pre_tokenizer, const Options& options, ThreadPool& pool);
  /// `document(i)` gives the i-th of `count` documents; called once each, on any worker.
  template <class F>
  void add_block(int64_t count, const F& document) {
    pool_.parallel_for(count, [&](int64_t i, int worker) { count_document(document(i), workers_[worker]); });
    finish_block(count);
  }
  const PretokenReport& report() const { return report_; }
  /// Distinct pre-tokens, ordered by bytes. The counter is empty afterwards.
  std::vector<PretokenCount> take();

 private:
  static constexpr size_t kPartitions = 64;  // by hash: each is summed by one task
  struct Worker {
    std::vector<CountTable> parts = std::vector<CountTable>(kPartitions);
    PretokenReport report;
  };
  void count_document(const std::string& text, Worker& worker);
  void count_long(std::string_view piece, Worker& worker);
  void finish_block(int64_t documents);
  void prune();
  const PreTokenizer& pre_tokenizer_;
  Options options_;
  ThreadPool& pool_;
  std::vector<Worker> workers_;
  std::vector<CountTable> sums_;
  PretokenReport report_;
};

}  // namespace maru::text
