#include "server/openai_error.h"

#include "server/api_error.h"

namespace maru::server {

std::string shortened(std::string_view words, size_t most) {
  if (words.size() <= most) return std::string(words);
  size_t end = most;
  while (end > 0 && (static_cast<uint8_t>(words[end]) & 0xC0) == 0x80) --end;
  return std::string(words.substr(0, end)) + "… (" + std::to_string(words.size()) + " bytes)";
}

void refuse(std::string_view message, std::string_view param, std::string_view code) {
  constexpr size_t kMostMessage = 1200, kMostParam = 200;
  throw ApiFailure(
      {.message = shortened(message, kMostMessage), .param = shortened(param, kMostParam), .code = std::string(code)});
}

}  // namespace maru::server
