#include "telegraph/request.h"

#include <utility>

#include "http/json_body.h"
#include "serving/conversation.h"

namespace maru::api::telegraph {

Telegram parse_telegram(std::string_view body) {
  auto telegram = http::read_fields<Telegram>(http::read_object(body));
  if (telegram.station.empty()) refuse("station: is required", "station");
  if (telegram.message.empty()) refuse("message: is required", "message");
  if (telegram.until.size() > serving::kMaxStops) refuse("until: expected at most 16 strings", "until");
  for (size_t i = 0; i < telegram.until.size(); ++i) serving::check_stop(telegram.until[i], numbered("until", i));
  return telegram;
}

PreparedTelegram prepare(const Telegram& telegram, const serving::ServedModel& model) {
  serving::Conversation conversation;
  conversation.messages = Json::array({{{"role", "user"}, {"content", telegram.message}}});
  serving::ChatPrompt prompt = serving::chat_prompt(std::move(conversation), model.chat());
  PreparedTelegram prepared{.warnings = std::move(prompt.warnings)};
  infer::GenerationRequest& generation = prepared.generation;
  generation.prompt = std::move(prompt.tokens);
  generation.sampling.temperature = telegram.noise;
  generation.stop = telegram.until;
  generation.continues_prompt = false;
  generation.timeout_seconds = model.limits().timeout_seconds;
  serving::fit(generation, telegram.longest, model.limits(), "message", prepared.warnings);
  return prepared;
}

}  // namespace maru::api::telegraph
