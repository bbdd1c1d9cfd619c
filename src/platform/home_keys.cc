#include "platform/home_keys.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "platform/keys.h"

namespace maru::platform {
namespace {

constexpr size_t kMaxKeyBytes = 512;  // of what is hashed on a network thread
constexpr int kNotedEvery = 10;       // periods

int64_t day_of(std::chrono::system_clock::time_point time) {
  return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

std::string day_text(int64_t day) { return utc_text(UtcTime(std::chrono::days(day))).substr(0, 10); }

/// Of a day as it is written; of nothing, one before all.
int64_t day_in(const std::string& text) {
  const Result<UtcTime> time = parse_utc(text);
  return time ? day_of(time.value()) : -1;
}

}  // namespace

HomeKeys::HomeKeys(HomeDatabase& home, HomeDatabase::Warn warn, Now now, std::chrono::milliseconds period)
    : home_(home), now_(std::move(now)) {
  renew();
  const char* about = "keys of this home (those read before stay in force)";
  renewer_.emplace(
      period, [this] { renew(); }, warn, about);
  noter_.emplace(
      kNotedEvery * period, [this] { note_uses(); }, std::move(warn), about);
}

HomeKeys::~HomeKeys() = default;

void HomeKeys::renew() {
  const std::lock_guard one(renewing_);
  Database* const database = home_.if_there();
  if (database == nullptr) return;
  std::vector<KeyState> states;
  database->read([&](Connection& c) {
    for_changed_keys(c, change_, [&](KeyState state) { states.push_back(std::move(state)); });
  });
  for (KeyState& state : states) take(std::move(state));
}

void HomeKeys::take(KeyState state) {
  const std::lock_guard lock(mutex_);
  if (state.in_force) {
    auto entry = std::make_shared<Entry>();
    entry->id = std::move(state.id);
    entry->principal = std::move(state.principal);
    if (!state.expires.empty()) entry->expires = parse_utc(state.expires).value();
    entry->day = day_in(state.last_used);
    entries_[state.hash] = std::move(entry);
  } else {
    entries_.erase(state.hash);
  }
  change_ = std::max<int64_t>(change_, state.changed);
}

std::optional<Principal> HomeKeys::principal_of(std::string_view key) const {
  if (key.empty() || key.size() > kMaxKeyBytes) return std::nullopt;
  const std::string hash = sha256_hex(key);
  const auto now = now_();
  std::shared_ptr<const Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(hash);
    if (found == entries_.end()) return std::nullopt;
    entry = found->second;
    if (entry->expires && now >= *entry->expires) return std::nullopt;
    if (const int64_t day = day_of(now); entry->day < day) {
      entry->day = day;
      used_.insert(entry->id);
    }
  }
  return entry->principal;
}

void HomeKeys::note_uses() {
  std::unordered_set<std::string> used;
  {
    const std::lock_guard lock(mutex_);
    used.swap(used_);
  }
  Database* const database = home_.if_there();
  if (used.empty() || database == nullptr) return;
  const std::string day = day_text(day_of(now_()));
  database->write([&](Connection& c) {
    for (const std::string& id : used) note_use(c, id, day);
  });
}

}  // namespace maru::platform
