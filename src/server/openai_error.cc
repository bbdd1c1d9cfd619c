#include "server/openai_error.h"

#include "base/excerpt.h"
#include "server/api_error.h"

namespace maru::server {

void refuse(std::string_view message, std::string_view param, std::string_view code) {
  constexpr size_t kItsLength = 40;  // what excerpt adds, so that the message is not cut twice
  throw ApiFailure({.message = excerpt(message, kMaxMessageBytes - kItsLength),
                    .param = excerpt(param, kMaxParamBytes - kItsLength),
                    .code = std::string(code)});
}

}  // namespace maru::server
