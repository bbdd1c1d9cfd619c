#include "platform/metering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/hex.h"
#include "base/hmac.h"
#include "base/limit_failure.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

using std::chrono::system_clock;

constexpr size_t kIdBytes = 16, kMostPeriods = 70;  // the days of a month, and those of the one before

/// What quotas are kept under: of a workspace its name, of a project both.
std::string scope_of(const std::string& workspace, const std::string& project) {
  return project.empty() ? workspace : workspace + "/" + project;
}

std::vector<std::string> scopes_of(const Principal& principal) {
  if (principal.project.empty()) return {principal.tenant};
  return {principal.tenant, scope_of(principal.tenant, principal.project)};
}

bool is_project(const std::string& scope) { return scope.find('/') != scope.npos; }

std::string day_of(const std::string& at) { return at.substr(0, 10); }
std::string month_of(const std::string& at) { return at.substr(0, 7); }

double seconds_to_next_day(system_clock::time_point now) {
  const auto next = std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
  return std::chrono::duration<double>(next - now).count();
}

double seconds_to_next_month(system_clock::time_point now) {
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const std::chrono::year_month next = today.year() / today.month() + std::chrono::months(1);
  return std::chrono::duration<double>(std::chrono::sys_days(next / 1) - now).count();
}

}  // namespace

Metering::Metering(HomeDatabase& home, HomeDatabase::Warn warn, Now now, std::chrono::milliseconds period)
    : home_(home), warn_(std::move(warn)), now_(std::move(now)) {
  renew();
  writer_.emplace(
      period, [this] { flush(); }, warn_, "usage of this home waits to be written");
  renewer_.emplace(
      period, [this] { renew(); }, warn_, "quotas of this home (those read before stay in force)");
}

Metering::~Metering() {
  writer_.reset();
  renewer_.reset();
  try {
    flush();
  } catch (const std::exception& failure) {
    if (warn_) warn_(fmt::format("usage of {} requests is lost: {}", waiting_.size(), failure.what()));
  }
}

std::vector<Ceiling> Metering::ceilings_of(const Principal& principal) const {
  std::vector<Ceiling> ceilings;
  const std::lock_guard lock(mutex_);
  if (quotas_.empty()) return ceilings;
  for (const std::string& scope : scopes_of(principal))
    if (const auto found = quotas_.find(scope); found != quotas_.end()) {
      const Quota& quota = found->second;
      ceilings.push_back({(is_project(scope) ? "project " : "workspace ") + scope,
                          {.requests_per_minute = quota.requests_per_minute,
                           .tokens_per_minute = quota.tokens_per_minute,
                           .parallel_choices = quota.parallel_choices}});
    }
  return ceilings;
}

void Metering::check(const std::string& scope, const Quota& quota, int64_t tokens) {
  const auto now = now_();
  const std::string at = utc_text(std::chrono::floor<std::chrono::seconds>(now));
  Sums& sums = sums_[scope];
  const auto check_period = [&](int64_t limit, const std::string& period, const char* word, double seconds) {
    if (limit == 0) return;
    const auto counted = sums.tokens.find(period);
    const int64_t used = sums.open + (counted == sums.tokens.end() ? 0 : counted->second);
    if (used + tokens <= limit) return;
    throw LimitFailure(
        fmt::format(
            "your {} may use {} tokens per {} (tokens_per_{}): {} of them are used or reserved and this request "
            "is worth up to {}; it begins anew in {:.0f} s",
            is_project(scope) ? "project" : "workspace", limit, word, word, used, tokens, std::ceil(seconds)),
        seconds);
  };
  check_period(quota.tokens_per_day, day_of(at), "day", seconds_to_next_day(now));
  check_period(quota.tokens_per_month, month_of(at), "month", seconds_to_next_month(now));
}

std::unique_ptr<Metering::Allowance> Metering::reserve(const Principal& principal, int64_t tokens) {
  std::vector<std::string> limited;
  const std::lock_guard lock(mutex_);
  if (quotas_.empty()) return nullptr;
  for (const std::string& scope : scopes_of(principal))
    if (const auto quota = quotas_.find(scope);
        quota != quotas_.end() && quota->second.tokens_per_day + quota->second.tokens_per_month > 0) {
      check(scope, quota->second, tokens);
      limited.push_back(scope);
    }
  if (limited.empty()) return nullptr;
  for (const std::string& scope : limited) sums_[scope].open += tokens;
  return std::make_unique<Allowance>(*this, std::move(limited), tokens);
}

void Metering::give_back(const std::vector<std::string>& scopes, int64_t tokens) {
  const std::lock_guard lock(mutex_);
  for (const std::string& scope : scopes) sums_[scope].open -= tokens;
}

void Metering::count(const std::string& workspace, const std::string& project, const std::string& at, int64_t tokens) {
  const auto add = [&](const std::string& scope) {
    std::map<std::string, int64_t>& sums = sums_[scope].tokens;
    sums[day_of(at)] += tokens;
    sums[month_of(at)] += tokens;
    while (sums.size() > kMostPeriods) sums.erase(sums.begin());
  };
  add(workspace);
  if (!project.empty()) add(scope_of(workspace, project));
}

void Metering::add(UsageRecord record) {
  record.id = to_hex(random_secret(kIdBytes));
  record.at = utc_text(std::chrono::floor<std::chrono::seconds>(now_()));
  const std::lock_guard lock(mutex_);
  Total& total = totals_[record.workspace];
  ++total.requests;
  total.input_tokens += record.input_tokens;
  total.cached_tokens += record.cached_tokens;
  total.output_tokens += record.output_tokens;
  total.reasoning_tokens += record.reasoning_tokens;
  count(record.workspace, record.project, record.at, record.tokens());
  if (waiting_.size() >= kMostWaiting) {
    if (lost_++ == 0 && warn_) warn_("usage cannot be written: records are lost from now on");
    return;
  }
  own_.insert(record.id);
  waiting_.push_back(std::move(record));
}

void Metering::flush() {
  const std::lock_guard one(writing_);
  std::vector<UsageRecord> records;
  {
    const std::lock_guard lock(mutex_);
    records.swap(waiting_);
  }
  if (records.empty()) return;
  try {
    home_.write([&](Connection& c) {
      for (const UsageRecord& record : records) append_usage(c, record);
    });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.begin(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
    throw;
  }
}

void Metering::renew() {
  const std::lock_guard one(renewing_);
  Database* const database = home_.if_there();
  if (database == nullptr) return;
  database->read([&](Connection& c) {
    std::unordered_map<std::string, Quota> quotas;
    for (QuotaOf& one_of : read_quotas(c)) quotas[scope_of(one_of.workspace, one_of.project)] = one_of.quota;
    const std::lock_guard lock(mutex_);
    quotas_ = std::move(quotas);
    if (seen_ < 0) begin_counting(c);
    count_new(c);
  });
}

/// What this month has seen before this process.
void Metering::begin_counting(Connection& c) {
  const std::string month = month_of(utc_text(std::chrono::floor<std::chrono::seconds>(now_())));
  Statement last = c.prepare("SELECT coalesce(max(number), 0) FROM usage");
  const int64_t until = last.next() ? last.integer(0) : 0;
  Statement rows = c.prepare(
      "SELECT workspace, project, substr(at, 1, 10) AS day, sum(input_tokens + output_tokens) FROM usage "
      "WHERE at >= ? AND number <= ? GROUP BY workspace, project, day");
  rows.bind(month).bind(until);
  for (auto& [scope, sums] : sums_) sums.tokens.clear();  // what was counted here is there, or waits, or will be seen
  own_.clear();
  while (rows.next()) count(rows.text(0), rows.text(1), rows.text(2), rows.integer(3));
  for (const UsageRecord& record : waiting_) {
    count(record.workspace, record.project, record.at, record.tokens());
    own_.insert(record.id);
  }
  seen_ = until;
}

void Metering::count_new(Connection& c) {
  Statement rows = c.prepare(
      "SELECT number, id, workspace, project, at, input_tokens + output_tokens FROM usage WHERE number > ? "
      "ORDER BY number");
  rows.bind(seen_);
  while (rows.next()) {
    seen_ = rows.integer(0);
    if (own_.erase(rows.text(1)) == 0) count(rows.text(2), rows.text(3), rows.text(4), rows.integer(5));
  }
}

std::map<std::string, Metering::Total> Metering::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

int64_t Metering::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace maru::platform
