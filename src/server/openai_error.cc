#include "server/openai_error.h"

#include "base/excerpt.h"
#include "server/api_error.h"

namespace maru::server {

void refuse(std::string_view message, std::string_view param, std::string_view code) {
  constexpr size_t kMostMessage = 1200, kMostParam = 200;  // whatever it quotes: logs see it too
  throw ApiFailure(
      {.message = excerpt(message, kMostMessage), .param = excerpt(param, kMostParam), .code = std::string(code)});
}

}  // namespace maru::server
