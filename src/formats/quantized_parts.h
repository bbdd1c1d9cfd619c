// The tensors that together are one quantized weight, with their shapes checked before an element is read. Internal to
// integer_weight.cc.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>

#include "base/bfloat16.h"
#include "base/float16.h"
#include "formats/integer_weight.h"

namespace maru::formats {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// A stored tensor whose shape and dtype were checked, read element by element.
class Stored {
 public:
  Stored(const SafetensorsEntry& entry, std::string where) : entry_(&entry), where_(std::move(where)) {}

  int64_t rows() const { return entry_->shape.empty() ? 1 : entry_->shape.front(); }
  int64_t cols() const { return entry_->shape.size() < 2 ? 1 : entry_->shape[1]; }
  int64_t size() const { return rows() * cols(); }
  const std::string& dtype() const { return entry_->dtype; }
  const std::byte* data() const { return entry_->bytes.data(); }

  [[noreturn]] void misfit(const std::string& expected) const {
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: expected {}, got {} of shape [{}]", where_, expected,
                                                    entry_->dtype, fmt::join(entry_->shape, ", ")));
  }
  const Stored& expect(std::string_view dtype, int64_t rows, int64_t cols) const {
    if (entry_->dtype != dtype || this->rows() != rows || this->cols() != cols || entry_->shape.size() > 2)
      misfit(fmt::format("{} of shape [{}, {}]", dtype, rows, cols));
    return *this;
  }
  const Stored& expect_matrix(std::string_view dtype) const {
    if (entry_->dtype != dtype || entry_->shape.size() != 2 || size() == 0)
      misfit(fmt::format("a matrix of {}", dtype));
    return *this;
  }
  uint32_t word(int64_t i) const { return load<uint32_t>(data() + 4 * i); }
  float number(int64_t i) const {
    if (dtype() == "F32") return load<float>(data() + 4 * i);
    if (dtype() == "F16") return to_float(load<float16>(data() + 2 * i));
    if (dtype() == "BF16") return to_float(load<bfloat16>(data() + 2 * i));
    if (dtype() == "I8") return static_cast<float>(load<int8_t>(data() + i));
    if (dtype() == "F8_E4M3") return float_of_e4m3(load<uint8_t>(data() + i));
    if (dtype() == "F8_E5M2") return float_of_e5m2(load<uint8_t>(data() + i));
    if (dtype() == "F8_E8M0") return std::ldexp(1.0f, load<uint8_t>(data() + i) - 127);
    misfit("numbers");
  }
  std::vector<float> numbers() const {
    std::vector<float> all(static_cast<size_t>(size()));
    for (int64_t i = 0; i < size(); ++i) all[static_cast<size_t>(i)] = number(i);
    return all;
  }
  int64_t integer(int64_t i) const {
    if (dtype() == "I64") return load<int64_t>(data() + 8 * i);
    if (dtype() == "I32") return load<int32_t>(data() + 4 * i);
    misfit("integers");
  }

 private:
  const SafetensorsEntry* entry_;
  std::string where_;
};

/// The tensors that together are one weight.
class Parts {
 public:
  Parts(const TensorLookup& lookup, std::string stem, const std::string& where)
      : lookup_(lookup), stem_(std::move(stem)), where_(where) {}

  std::optional<Stored> find(const std::string& part) const {
    const SafetensorsEntry* entry = lookup_(stem_ + part);
    return entry == nullptr ? std::nullopt : std::optional(Stored(*entry, named(part)));
  }
  Stored get(const std::string& part) const {
    const auto found = find(part);
    if (!found) throw Failure(ErrorCode::kDataLoss, named(part) + " is missing");
    return *found;
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, named("weight") + ": " + what);
  }

 private:
  std::string named(const std::string& part) const { return where_ + ": tensor " + stem_ + part; }
  const TensorLookup& lookup_;
  std::string stem_;
  const std::string& where_;
};

}  // namespace maru::formats
