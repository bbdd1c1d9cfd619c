#include "serving/choice_limits.h"

#include <cmath>
#include <string_view>

#include "base/limit_failure.h"

namespace maru::serving {
namespace {

constexpr std::string_view kKey = "key ";
constexpr double kNewest = 1.0 / 8;  // what the last request to end counts for in the mean
constexpr double kLongestWait = 600;

/// "4 s".
std::string whole_seconds(double seconds) { return std::to_string(std::llround(std::ceil(seconds))) + " s"; }

}  // namespace

/// `taken` of at most `most` are taken and `choices` more are wanted.
void ChoiceLimits::check_room(const std::string& who, int64_t taken, int64_t choices, int64_t most,
                              const char* limit) const {
  if (choices > most)
    throw Failure(ErrorCode::kInvalidArgument, std::to_string(choices) + " choices in one request: expected at most " +
                                                   std::to_string(most) + " (" + limit + ")");
  if (taken + choices <= most) return;
  const double seconds = seconds_until_free(taken + choices - most, taken);
  throw LimitFailure(who + " " + std::to_string(taken) + " choices that run or wait; " + std::to_string(choices) +
                         " more would be over " + std::to_string(most) + " (" + limit + "); try again in some " +
                         whole_seconds(seconds),
                     seconds);
}

/// Of `taken` places, each kept for the mean time, one becomes free every mean / taken (Little's law).
double ChoiceLimits::seconds_until_free(int64_t choices, int64_t taken) const {
  double mean = mean_seconds_;
  if (mean == 0 && !begun_.empty()) mean = std::chrono::duration<double>(now_() - *begun_.begin()).count();
  const double seconds = static_cast<double>(choices) * mean / static_cast<double>(std::max<int64_t>(1, taken));
  return std::clamp(seconds, 1.0, kLongestWait);
}

std::vector<ChoiceLimits::Client> ChoiceLimits::clients_of(const Caller& caller) const {
  std::vector<Client> clients;
  for (const std::string& name : caller.clients) {
    const int64_t own = name == caller.principal.key ? caller.principal.limits.parallel_choices : 0;
    clients.push_back({name, own > 0 ? own : rules_.most_per_client(),
                       own > 0 ? "parallel_choices of this key" : "max_choices_per_client"});
  }
  if (metering_ == nullptr) return clients;
  for (platform::Ceiling& ceiling : metering_->ceilings_of(caller.principal))
    if (ceiling.limits.parallel_choices > 0)
      clients.push_back({std::move(ceiling.who), ceiling.limits.parallel_choices, "parallel_choices of its quota"});
  return clients;
}

std::unique_ptr<ChoiceLimits::Places> ChoiceLimits::take(const Caller& caller, int64_t choices) {
  const std::vector<Client> clients = clients_of(caller);
  std::vector<std::string> names;
  std::lock_guard lock(mutex_);
  for (const Client& client : clients) {
    const auto mine = clients_.find(client.name);
    check_room("your " + client.name.substr(0, client.name.find(' ')) + " has",
               mine == clients_.end() ? 0 : mine->second, choices, client.most, client.limit);
    names.push_back(client.name);
  }
  if (choices > 1)
    check_room("there are", taken_, choices, rules_.places - rules_.kept_for_singles(),
               "the rest is for requests of one choice");
  auto places = std::make_unique<Places>(*this, std::move(names), choices, now_());
  for (const std::string& client : places->clients_) clients_[client] += choices;
  begun_.insert(places->begin_);
  taken_ += choices;
  return places;
}

ChoiceLimits::Reservation::~Reservation() {
  if (metering_ != nullptr && begun_) metering_->add(std::move(usage_));
}

void ChoiceLimits::Reservation::set_used(int64_t tokens) {
  for (const auto& rate : rates_) rate->set_used(tokens);
}

std::unique_ptr<ChoiceLimits::Reservation> ChoiceLimits::reserve(const Caller& caller, int64_t tokens) {
  const Principal& principal = caller.principal;
  auto reservation = std::make_unique<Reservation>();
  const auto reserve_rate = [&](const Principal& of) {
    if (rates_ == nullptr) return;
    if (auto rate = rates_->reserve_tokens(of, tokens)) reservation->rates_.push_back(std::move(rate));
  };
  reserve_rate(principal);
  if (metering_ == nullptr || principal.key.empty()) return reservation;  // who brings no key is nobody's to bill
  for (const platform::Ceiling& ceiling : metering_->ceilings_of(principal))
    reserve_rate({.tenant = principal.tenant, .key = ceiling.who, .scopes = {}, .limits = ceiling.limits});
  reservation->allowance_ = metering_->reserve(principal, tokens);
  reservation->metering_ = metering_;
  reservation->usage_.workspace = principal.tenant;
  reservation->usage_.project = principal.project;
  reservation->usage_.key = principal.key;
  return reservation;
}

void ChoiceLimits::charge(const Caller& caller, const std::string& model, int64_t tokens) {
  const auto reservation = reserve(caller, tokens);
  reservation->set_used(tokens);
  reservation->usage().model = model;
  reservation->usage().input_tokens = tokens;
  reservation->begin();
}

std::map<std::string, int64_t> ChoiceLimits::choices_by_key() const {
  std::map<std::string, int64_t> keys;
  std::lock_guard lock(mutex_);
  for (const auto& [client, choices] : clients_)
    if (client.starts_with(kKey)) keys[client.substr(kKey.size())] = choices;
  return keys;
}

void ChoiceLimits::refuse_full(int64_t choices) const {
  std::lock_guard lock(mutex_);
  const int64_t others = std::max<int64_t>(0, taken_ - choices);
  const double seconds = seconds_until_free(choices, others);
  throw LimitFailure("too many requests are waiting: " + std::to_string(others) + " choices run or wait of at most " +
                         std::to_string(rules_.places) +
                         " of a model (max_running and max_waiting); try again in some " + whole_seconds(seconds),
                     seconds);
}

void ChoiceLimits::give_back(const Places& places) {
  std::lock_guard lock(mutex_);
  for (const std::string& client : places.clients_) {
    const auto mine = clients_.find(client);
    mine->second -= places.choices_;
    if (mine->second == 0 && !client.starts_with(kKey)) clients_.erase(mine);
  }
  begun_.erase(begun_.find(places.begin_));
  taken_ -= places.choices_;
  if (!places.working_) return;
  const double seconds = std::chrono::duration<double>(now_() - places.begin_).count();
  mean_seconds_ = mean_seconds_ == 0 ? seconds : mean_seconds_ + kNewest * (seconds - mean_seconds_);
}

}  // namespace maru::serving
