#include "text/tokenizer/train/pretoken_counter.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/utf8.h"

namespace maru::text {

CountTable::CountTable() : slots_(64) {}

uint32_t CountTable::hash_of(std::string_view bytes) { return static_cast<uint32_t>(hash64(bytes) >> 32); }

void CountTable::add(std::string_view wanted, uint32_t hash, int64_t count) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    Entry& entry = entries_[slots_[slot] - 1];
    if (entry.hash == hash && bytes(entry) == wanted) {
      entry.count += count;
      return;
    }
  }
  entries_.push_back({arena_.size(), static_cast<uint32_t>(wanted.size()), hash, count});
  arena_.insert(arena_.end(), wanted.begin(), wanted.end());
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  if (2 * entries_.size() > slots_.size()) grow();
}

void CountTable::grow() {
  slots_.assign(2 * slots_.size(), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

void CountTable::clear() {
  arena_.clear();
  entries_.clear();
  std::fill(slots_.begin(), slots_.end(), 0);
}

PretokenCounter::PretokenCounter(const PreTokenizer& pre_tokenizer, const Options& options, ThreadPool& pool)
    : pre_tokenizer_(pre_tokenizer),
      options_(options),
      pool_(pool),
      workers_(static_cast<size_t>(pool.size())),
      sums_(kPartitions) {}

void PretokenCounter::count_document(const std::string& text, Worker& worker) {
  worker.report.bytes += static_cast<int64_t>(text.size());
  pre_tokenizer_.split(text, [&](std::string_view piece) {
    if (piece.size() > options_.max_pretoken_bytes) return count_long(piece, worker);
    const uint32_t hash = CountTable::hash_of(piece);
    worker.parts[hash >> 26].add(piece, hash, 1);
    ++worker.report.pretokens;
  });
}

void PretokenCounter::count_long(std::string_view piece, Worker& worker) {
  ++worker.report.long_pretokens;
  while (!piece.empty()) {
    std::string_view part = piece.substr(0, options_.max_pretoken_bytes);
    if (part.size() < piece.size()) part.remove_suffix(incomplete_suffix(part));
    const uint32_t hash = CountTable::hash_of(part);
    worker.parts[hash >> 26].add(part, hash, 1);
    ++worker.report.pretokens;
    piece.remove_prefix(part.size());
  }
}

void PretokenCounter::finish_block(int64_t documents) {
  pool_.parallel_for(kPartitions, [&](int64_t p, int) {
    for (Worker& worker : workers_) {
      CountTable& part = worker.parts[p];
      for (const CountTable::Entry& e : part.entries()) sums_[p].add(part.bytes(e), e.hash, e.count);
      part.clear();
    }
  });
  report_.documents += documents;
  for (Worker& worker : workers_) {
    report_.bytes += worker.report.bytes;
    report_.pretokens += worker.report.pretokens;
    report_.long_pretokens += worker.report.long_pretokens;
    worker.report = {};
  }
  uint64_t memory = 0;
  for (const CountTable& sum : sums_) memory += sum.memory_bytes();
  if (memory > options_.memory_limit_bytes) prune();
}

void PretokenCounter::prune() {
  std::map<int64_t, uint64_t> memory_of_count;
  uint64_t memory = 0;
  for (const CountTable& sum : sums_) {
    memory += sum.memory_bytes();
    for (const CountTable::Entry& e : sum.entries())
      memory_of_count[e.count] += e.length + sizeof(CountTable::Entry) + 2 * sizeof(uint32_t);
  }
  int64_t threshold = 0;
  for (const auto& [count, bytes] : memory_of_count) {
    if (memory <= options_.memory_limit_bytes / 2) break;
    memory -= bytes;
    threshold = count;
  }
  ++report_.prunings;
  for (CountTable& sum : sums_) {
    CountTable kept;
    for (const CountTable::Entry& e : sum.entries()) {
      if (e.count > threshold) {
        kept.add(sum.bytes(e), e.hash, e.count);
      } else {
        ++report_.pruned_distinct;
        report_.pruned_count += e.count;
      }
    }
    sum = std::move(kept);
  }
}

std::vector<PretokenCount> PretokenCounter::take() {
  std::vector<PretokenCount> counts;
  for (CountTable& sum : sums_) {
    for (const CountTable::Entry& e : sum.entries()) counts.push_back({std::string(sum.bytes(e)), e.count});
    sum = CountTable();
  }
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  return counts;
}

}  // namespace maru::text
