#include "serving/choice_limits.h"

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace maru::serving {
namespace {

/// `taken` of at most `most` are taken and `choices` more are wanted.
void check_room(const std::string& who, int64_t taken, int64_t choices, int64_t most, const std::string& limit) {
  if (choices > most)
    throw Failure(ErrorCode::kInvalidArgument, std::to_string(choices) + " choices in one request: expected at most " +
                                                   std::to_string(most) + " (" + limit + ")");
  if (taken + choices > most)
    throw Failure(ErrorCode::kExhausted, who + " " + std::to_string(taken) + " choices that run or wait; " +
                                             std::to_string(choices) + " more would be over " + std::to_string(most) +
                                             " (" + limit + "); try again in a moment");
}

}  // namespace

class ChoiceLimits::Places {
 public:
  Places(ChoiceLimits& limits, std::vector<std::string> clients, int64_t choices)
      : clients(std::move(clients)), choices(choices), limits_(limits) {}
  ~Places() { limits_.give_back(*this); }
  Places(const Places&) = delete;
  const std::vector<std::string> clients;
  const int64_t choices;

 private:
  ChoiceLimits& limits_;
};

std::shared_ptr<const ChoiceLimits::Places> ChoiceLimits::take(const std::vector<std::string>& clients,
                                                               int64_t choices) {
  std::lock_guard lock(mutex_);
  for (const std::string& client : clients) {
    const auto mine = clients_.find(client);
    check_room("your " + client.substr(0, client.find(' ')) + " has", mine == clients_.end() ? 0 : mine->second,
               choices, rules_.most_per_client(), "max_choices_per_client");
  }
  if (choices > 1)
    check_room("there are", taken_, choices, rules_.places - rules_.kept_for_singles(),
               "the rest is for requests of one choice");
  auto places = std::make_shared<const Places>(*this, clients, choices);
  for (const std::string& client : places->clients) clients_[client] += choices;
  taken_ += choices;
  return places;
}

void ChoiceLimits::give_back(const Places& places) {
  std::lock_guard lock(mutex_);
  for (const std::string& client : places.clients) {
    const auto mine = clients_.find(client);
    mine->second -= places.choices;
    if (mine->second == 0) clients_.erase(mine);
  }
  taken_ -= places.choices;
}

}  // namespace maru::serving
