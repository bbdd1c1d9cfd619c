// MinHash signatures and near-duplicate groups by locality-sensitive hashing. Results depend on the texts, their order
// and the configuration only, never on the number of threads.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_pool.h"

namespace maru::data {

inline constexpr size_t kPermutations = 128;
using Signature = std::array<uint32_t, kPermutations>;

/// The hash functions x -> (a·x + b) >> 32 on 64 bits (multiply-shift), one pair per permutation.
class MinHasher {
 public:
  /// `shingle_characters`: characters per shingle; spaces and punctuation between words count as one space, letters in
  /// lower case. Characters rather than words suit Korean, where particles and spacing vary.
  MinHasher(uint64_t seed, int shingle_characters);
  /// Cost     about 128 multiplications per character.
  /// Source   Broder 1997, "On the resemblance and containment of documents"; Dietzfelbinger et al. 1997 (hashing).
  Signature signature(std::string_view text) const;

 private:
  std::array<uint64_t, kPermutations> a_, b_;
  size_t shingle_;
};

/// Share of equal elements: an unbiased estimate of the Jaccard similarity, with standard deviation
/// sqrt(j (1 - j) / 128), at most 0.045.
double estimated_jaccard(const Signature& x, const Signature& y);

struct Bands {
  int bands = 0, rows = 0;
};
/// The most rows per band (fewest false candidates) with which a pair at the threshold still becomes a candidate with
/// probability at least 0.98: 1 - (1 - threshold^rows)^bands.
Bands choose_bands(double threshold);

/// For each document the first document of its group, itself if it is the first or alone. Groups are the connected
/// components of pairs that share a band and whose estimated similarity reaches the threshold. In a band's bucket each
/// document is compared with the bucket's first 64 leaders (documents similar to no leader before them), so that a
/// bucket costs linear time. `read` is told which signatures a pass over all of them has gone through, from any worker.
///
/// Cost     O(documents · bands) time; 8 bytes per document, and 8 more per worker, at most one for each band.
/// Source   Leskovec, Rajaraman & Ullman, "Mining of massive datasets", §3.4.
using SignaturesRead = std::function<void(std::span<const Signature>)>;
std::vector<uint32_t> near_duplicate_groups(std::span<const Signature> signatures, double threshold, ThreadPool& pool,
                                            const SignaturesRead& read = {});

/// The shingles' text: lower case, runs of anything but letters and digits as one space. Exposed for tests.
std::string shingle_text(std::string_view text);

}  // namespace maru::data
