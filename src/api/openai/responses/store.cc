#include "api/openai/responses/store.h"

#include <algorithm>

namespace maru::api::openai {
namespace {

constexpr int64_t kEntryBytes = 512;  // of bookkeeping, about

int64_t bytes_of(const StoredResponse& response) {
  const size_t size = response.id.size() + response.tenant.size() + response.model.size() + response.body.size() +
                      response.input.size() + response.context.size();
  // The last event has the body once more, and comes when what it tells of is kept.
  const int64_t events = response.events == nullptr ? 0 : response.events->bytes() + std::ssize(response.body);
  return static_cast<int64_t>(size) + events + kEntryBytes;
}

}  // namespace

void ResponseStore::put(StoredResponse response) {
  const int64_t bytes = bytes_of(response);
  std::lock_guard lock(mutex_);
  drop_old();
  const Key key(response.tenant, response.id);
  if (const auto old = by_id_.find(key); old != by_id_.end()) remove(old->second);
  if (is_off() || bytes > limits_.bytes) return;
  entries_.push_back({std::make_shared<const StoredResponse>(std::move(response)), now_(), bytes});
  by_id_[key] = std::prev(entries_.end());
  tenants_[key.first] += bytes;
  bytes_ += bytes;
  while (bytes_ > limits_.bytes || static_cast<int64_t>(entries_.size()) > limits_.responses) drop_oldest();
}

std::shared_ptr<const StoredResponse> ResponseStore::find(const std::string& tenant, const std::string& id) {
  std::lock_guard lock(mutex_);
  drop_old();
  const auto found = by_id_.find({tenant, id});
  return found == by_id_.end() ? nullptr : found->second->response;
}

bool ResponseStore::erase(const std::string& tenant, const std::string& id) {
  std::lock_guard lock(mutex_);
  drop_old();
  const auto found = by_id_.find({tenant, id});
  if (found == by_id_.end()) return false;
  remove(found->second);
  return true;
}

size_t ResponseStore::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

int64_t ResponseStore::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

void ResponseStore::remove(Entries::iterator entry) {
  const StoredResponse& response = *entry->response;
  const auto tenant = tenants_.find(response.tenant);
  tenant->second -= entry->bytes;
  if (tenant->second == 0) tenants_.erase(tenant);
  bytes_ -= entry->bytes;
  by_id_.erase({response.tenant, response.id});
  entries_.erase(entry);
}

void ResponseStore::drop_old() {
  const auto most = std::chrono::duration<double>(limits_.seconds);
  while (!entries_.empty() && now_() - entries_.front().since > most) remove(entries_.begin());
}

void ResponseStore::drop_oldest() {
  const auto most = std::max_element(tenants_.begin(), tenants_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto oldest = std::find_if(entries_.begin(), entries_.end(),
                                   [&](const Entry& entry) { return entry.response->tenant == most->first; });
  remove(oldest);
}

}  // namespace maru::api::openai
