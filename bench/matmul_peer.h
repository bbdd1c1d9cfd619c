// The same product by oneDNN, for comparison; not available where oneDNN was not found at build time or has none for
// this processor.
#pragma once
#include <cstdint>
#include <memory>

namespace maru::bench {

struct PeerShape {
  int64_t m, n, k;
  bool transpose_a, transpose_b, packed, add, bf16, bf16_result;
};

class PeerMatmul {
 public:
  /// a, b and c stay with the caller. A packed b gets `copies` copies, used in turn.
  PeerMatmul(const PeerShape& shape, int threads, const void* a, const void* b, void* c, int64_t copies);
  ~PeerMatmul();
  PeerMatmul(const PeerMatmul&) = delete;
  bool available() const;
  void run();

 private:
  void prepare(const PeerShape& shape, const void* a, const void* b, void* c, int64_t copies);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::bench
