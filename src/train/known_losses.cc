#include "train/known_losses.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/hash.h"
#include "base/system_error.h"

namespace maru::train {
namespace {

constexpr size_t kNumber = sizeof(uint64_t);

uint64_t number_at(std::string_view bytes, size_t at) {
  uint64_t number = 0;
  std::memcpy(&number, bytes.data() + at, kNumber);
  return number;
}

template <class T>
void put(std::string& bytes, const T* values, size_t count) {
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

}  // namespace

KnownLosses::KnownLosses(fs::path file, uint64_t bound, const std::function<void(const std::string&)>& warn)
    : path_(std::move(file)), bound_(bound) {
  if (fs::exists(path_)) {
    const MappedFile map(path_);
    const std::string_view all = map.text();
    size_t at = 0;
    while (const size_t size = read_record(all.substr(at))) at += size;
    map.check();
    if (at < all.size()) {
      warn(fmt::format("{}: {} of {} bytes are damaged or of another reference: what they were is computed again",
                       path_.string(), all.size() - at, all.size()));
      fs::resize_file(path_, at);
    }
  }
  file_.reset(std::fopen(path_.c_str(), "ab"));
  if (!file_) throw Failure(system_error(path_, "write", errno));
}

// The size of the record that `bytes` begin with; 0: there is none. Sizes are believed as far as there are bytes.
size_t KnownLosses::read_record(std::string_view bytes) {
  if (bytes.size() < 3 * kNumber) return 0;
  const uint64_t examples = number_at(bytes, 0), losses = number_at(bytes, kNumber);
  const size_t most = bytes.size() / sizeof(uint32_t);
  if (examples > most || losses > most || examples == 0) return 0;
  const size_t data = 2 * kNumber + (examples + losses) * sizeof(uint32_t), whole = data + kNumber;
  if (whole > bytes.size()) return 0;
  const auto first = static_cast<uint64_t>(size());
  if (hash64(bytes.substr(0, data), bound_ + first) != number_at(bytes, data)) return 0;
  std::vector<uint32_t> sizes(examples);
  std::memcpy(sizes.data(), bytes.data() + 2 * kNumber, examples * sizeof(uint32_t));
  for (const uint32_t size : sizes) begins_.push_back(begins_.back() + size);
  losses_.resize(losses_.size() + losses);
  std::memcpy(losses_.data() + losses_.size() - losses, bytes.data() + data - losses * sizeof(float),
              losses * sizeof(float));
  CHECK(begins_.back() == std::ssize(losses_));
  return whole;
}

std::span<const float> KnownLosses::of(int64_t example) const {
  CHECK(example >= 0 && example < size());
  const auto at = static_cast<size_t>(example);
  return std::span(losses_).subspan(static_cast<size_t>(begins_[at]),
                                    static_cast<size_t>(begins_[at + 1] - begins_[at]));
}

void KnownLosses::append(std::span<const std::vector<float>> examples) {
  if (examples.empty()) return;
  std::vector<uint32_t> sizes;
  uint64_t numbers[2] = {examples.size(), 0};
  for (const std::vector<float>& losses : examples)
    sizes.push_back(static_cast<uint32_t>(losses.size())), numbers[1] += losses.size();
  std::string record;
  put(record, numbers, 2);
  put(record, sizes.data(), sizes.size());
  for (const std::vector<float>& losses : examples) put(record, losses.data(), losses.size());
  const uint64_t hash = hash64(record, bound_ + static_cast<uint64_t>(size()));
  put(record, &hash, 1);
  if (std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size() || std::fflush(file_.get()) != 0)
    throw Failure(system_error(path_, "write", errno));
  for (const std::vector<float>& losses : examples) {
    losses_.insert(losses_.end(), losses.begin(), losses.end());
    begins_.push_back(std::ssize(losses_));
  }
}

void KnownLosses::append_to(MicroBatch& batch, int64_t example, size_t first_row) const {
  batch.reference.resize(batch.targets.size());
  const std::span<const float> losses = of(example);
  size_t next = 0;
  for (size_t row = first_row; row < batch.targets.size(); ++row)
    if (batch.targets[row] >= 0) batch.reference[row] = losses[next++];
  CHECK(next == losses.size());
}

}  // namespace maru::train
