#include "data/minhash.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/utf8.h"

namespace maru::data {
namespace {

constexpr double kRecallAtThreshold = 0.98;
constexpr size_t kMaxLeaders = 64, kAtOnce = 1 << 15;  // signatures: 16 MiB

// Byte offset of every character, and the end.
std::vector<uint32_t> offsets_of(std::string_view text) {
  std::vector<uint32_t> offsets;
  offsets.reserve(text.size() / 2 + 2);
  for (size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) offsets.push_back(static_cast<uint32_t>(i));
  offsets.push_back(static_cast<uint32_t>(text.size()));
  return offsets;
}

std::vector<uint32_t> distinct_shingles(std::string_view text, size_t length) {
  const std::vector<uint32_t> offsets = offsets_of(text);
  const size_t characters = offsets.size() - 1;
  std::vector<uint32_t> hashes;
  for (size_t i = 0; i < std::max<size_t>(1, characters + 1 - std::min(length, characters)); ++i) {
    const uint32_t begin = offsets[i], end = offsets[std::min(i + length, characters)];
    hashes.push_back(static_cast<uint32_t>(hash64(text.substr(begin, end - begin)) >> 32));
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

class UnionFind {
 public:
  explicit UnionFind(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0u); }
  uint32_t find(uint32_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  // The smaller index becomes the root, so that a root is its group's first document.
  void unite(uint32_t x, uint32_t y) {
    x = find(x), y = find(y);
    parent_[std::max(x, y)] = std::min(x, y);
  }

 private:
  std::vector<uint32_t> parent_;
};

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

/// Finds the pairs of one band.
class BandLinker {
 public:
  BandLinker(std::span<const Signature> signatures, size_t band, size_t rows, double threshold)
      : signatures_(signatures), band_(band), rows_(rows), threshold_(threshold) {}

  Pairs link(const SignaturesRead& read) {
    const std::vector<uint64_t> entries = sorted_entries(read);
    for (size_t begin = 0; begin < entries.size();) {
      size_t end = begin + 1;
      while (end < entries.size() && entries[end] >> 32 == entries[begin] >> 32) ++end;
      if (end - begin > 1) link_run({&entries[begin], end - begin});
      begin = end;
    }
    return std::move(pairs_);
  }

 private:
  uint64_t hash_of(size_t document) const {
    const char* at = reinterpret_cast<const char*>(signatures_[document].data() + band_ * rows_);
    return hash64({at, rows_ * sizeof(uint32_t)}, band_);
  }

  /// Half of its hash and its number, of each document: what is in one bucket lies in one run.
  std::vector<uint64_t> sorted_entries(const SignaturesRead& read) const {
    std::vector<uint64_t> entries(signatures_.size());
    for (size_t begin = 0; begin < entries.size(); begin += kAtOnce) {
      const size_t end = std::min(begin + kAtOnce, entries.size());
      for (size_t i = begin; i < end; ++i) entries[i] = (hash_of(i) >> 32 << 32) | i;
      if (read) read(signatures_.subspan(begin, end - begin));
    }
    std::sort(entries.begin(), entries.end());
    return entries;
  }

  /// A run may hold several buckets, told apart by the whole hash.
  void link_run(std::span<const uint64_t> run) {
    std::vector<std::pair<uint64_t, uint32_t>> members;
    for (const uint64_t entry : run) members.emplace_back(hash_of(entry & UINT32_MAX), entry & UINT32_MAX);
    std::sort(members.begin(), members.end());
    std::vector<uint32_t> bucket;
    for (size_t i = 0; i < members.size(); ++i) {
      bucket.push_back(members[i].second);
      if (i + 1 < members.size() && members[i + 1].first == members[i].first) continue;
      link_bucket(bucket);
      bucket.clear();
    }
  }

  void link_bucket(std::span<const uint32_t> bucket) {
    std::vector<uint32_t> leaders;
    for (const uint32_t document : bucket) {
      const auto leader = std::find_if(leaders.begin(), leaders.end(), [&](uint32_t l) {
        return estimated_jaccard(signatures_[l], signatures_[document]) >= threshold_;
      });
      if (leader != leaders.end())
        pairs_.emplace_back(*leader, document);
      else if (leaders.size() < kMaxLeaders)
        leaders.push_back(document);
    }
  }

  std::span<const Signature> signatures_;
  size_t band_, rows_;
  double threshold_;
  Pairs pairs_;
};

}  // namespace

std::string shingle_text(std::string_view text) {
  std::string out;
  bool gap = false;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    p += d.length;
    const auto c = static_cast<UChar32>(d.code_point);
    const bool hangul = c >= 0xAC00 && c <= 0xD7A3;
    if (d.code_point == kInvalidCodePoint || (!hangul && !u_isalnum(c) && u_charType(c) != U_NON_SPACING_MARK)) {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    append_utf8(out, hangul ? d.code_point : static_cast<char32_t>(u_tolower(c)));
  }
  return out;
}

MinHasher::MinHasher(uint64_t seed, int shingle_characters) : shingle_(static_cast<size_t>(shingle_characters)) {
  CHECK(shingle_characters > 0);
  Random random(derive_seed(seed, "minhash"));
  for (size_t i = 0; i < kPermutations; ++i) a_[i] = random.next() | 1, b_[i] = random.next();
}

Signature MinHasher::signature(std::string_view text) const {
  Signature signature;
  signature.fill(UINT32_MAX);
  for (const uint32_t shingle : distinct_shingles(shingle_text(text), shingle_))
    for (size_t i = 0; i < kPermutations; ++i)
      signature[i] = std::min(signature[i], static_cast<uint32_t>((a_[i] * shingle + b_[i]) >> 32));
  return signature;
}

double estimated_jaccard(const Signature& x, const Signature& y) {
  size_t equal = 0;
  for (size_t i = 0; i < kPermutations; ++i) equal += x[i] == y[i];
  return static_cast<double>(equal) / kPermutations;
}

Bands choose_bands(double threshold) {
  for (int rows = static_cast<int>(kPermutations); rows > 1; --rows) {
    const int bands = static_cast<int>(kPermutations) / rows;
    if (1 - std::pow(1 - std::pow(threshold, rows), bands) >= kRecallAtThreshold) return {bands, rows};
  }
  return {static_cast<int>(kPermutations), 1};
}

std::vector<uint32_t> near_duplicate_groups(std::span<const Signature> signatures, double threshold, ThreadPool& pool,
                                            const SignaturesRead& read) {
  CHECK(signatures.size() < UINT32_MAX);
  const Bands bands = choose_bands(threshold);
  UnionFind groups(signatures.size());
  std::mutex mutex;  // the groups are the same in whatever order their pairs come
  pool.parallel_for(bands.bands, [&](int64_t band, int) {
    BandLinker linker(signatures, static_cast<size_t>(band), static_cast<size_t>(bands.rows), threshold);
    const Pairs pairs = linker.link(read);
    const std::scoped_lock lock(mutex);
    for (const auto& [x, y] : pairs) groups.unite(x, y);
  });
  std::vector<uint32_t> first(signatures.size());
  for (uint32_t i = 0; i < first.size(); ++i) first[i] = groups.find(i);
  return first;
}

}  // namespace maru::data
