#include "http/auth.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"

namespace maru::http {
namespace {

// No early exit: the time must not tell how many characters agree.
bool constant_time_equal(std::string_view a, std::string_view b) {
  unsigned difference = a.size() != b.size();
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void check_key(const std::string& key) {
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 127; });
  if (key.empty() || !printable)
    throw Failure(ErrorCode::kInvalidArgument, "API key: expected printable ASCII characters without spaces");
}

}  // namespace

ApiKeys::ApiKeys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    check_key(key);
    hashes_.push_back(sha256_hex(key));
  }
}

std::optional<Principal> ApiKeys::principal_of(std::string_view key) const {
  const std::string hash = sha256_hex(key);
  std::optional<size_t> found;
  for (size_t i = 0; i < hashes_.size(); ++i)
    if (constant_time_equal(hashes_[i], hash)) found = i;
  if (key.empty() || !found) return std::nullopt;
  const std::string name = "key #" + std::to_string(*found + 1);  // as no key of a file is called
  return Principal{.tenant = name, .key = name, .scopes = {"*"}};
}

std::vector<std::string> parse_keys(std::string_view text) {
  std::vector<std::string> keys;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view key = trim(line);
    if (!key.empty() && key[0] != '#') keys.emplace_back(key);
  }
  return keys;
}

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

}  // namespace maru::http
