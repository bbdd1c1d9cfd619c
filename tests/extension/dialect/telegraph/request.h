// A telegram that wants an answer, and what the engine generates for it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/fields.h"
#include "serving/model_host.h"

namespace maru::api::telegraph {

struct Telegram {
  std::string station, message;
  std::optional<int64_t> longest;
  std::vector<std::string> until;
  double noise = 0;
  bool ticker = false;

  static constexpr auto fields() {
    using C = Telegram;
    return std::tuple{field("station", &C::station, "the id of a model"),
                      field("message", &C::message, "what is asked"),
                      field("longest", &C::longest, "the answer's greatest length in tokens").range(1, 1 << 30),
                      field("until", &C::until, "strings before which the answer ends"),
                      field("noise", &C::noise, "the temperature; 0: always the likeliest token").range(0, 2),
                      field("ticker", &C::ticker, "send the answer as it comes")};
  }
};

/// Throws   RequestFailure naming the field.
Telegram parse_telegram(std::string_view body);

struct PreparedTelegram {
  infer::GenerationRequest generation;
  std::vector<std::string> warnings;
};

/// Throws   RequestFailure, also when the message leaves no room for an answer.
PreparedTelegram prepare(const Telegram& telegram, const serving::ServedModel& model);

}  // namespace maru::api::telegraph
