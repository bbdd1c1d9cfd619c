// SHA-256 for provenance, XXH3 for tables.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace maru {

/// XXH3, 64 bits. Stable across machines; not for adversaries.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

/// Incremental SHA-256 (FIPS 180-4).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void update(std::string_view bytes);
  /// Lower-case hex, 64 characters. Call once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);
/// Throws kNotFound or kInternal, naming the file.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace maru
