#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace maru::formats {
namespace {

constexpr uint32_t kMagic = 0x46554747;                                 // "GGUF"
constexpr uint64_t kMaxKey = 65535, kMaxTensorName = 64, kMaxAxes = 4;  // as the specification has them
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr int kMaxNesting = 8;  // arrays of arrays
constexpr uint64_t kMinEntryBytes = 8 + 4 + 1, kMinTensorBytes = 8 + 4 + 8 + 4 + 8;

struct TypeInfo {
  std::string_view name;
  uint64_t bytes;  // 0: of its own length
};

constexpr std::array<TypeInfo, 13> kTypes{{{"u8", 1},
                                           {"i8", 1},
                                           {"u16", 2},
                                           {"i16", 2},
                                           {"u32", 4},
                                           {"i32", 4},
                                           {"f32", 4},
                                           {"bool", 1},
                                           {"string", 0},
                                           {"array", 0},
                                           {"u64", 8},
                                           {"i64", 8},
                                           {"f64", 8}}};

uint64_t bytes_of(GgufType type) { return kTypes[static_cast<size_t>(type)].bytes; }

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Calls f with the number at `from`; false when the type is not a number.
template <class F>
bool with_number(GgufType type, const std::byte* from, const F& f) {
  switch (type) {
    case GgufType::kU8: return f(load<uint8_t>(from)), true;
    case GgufType::kI8: return f(load<int8_t>(from)), true;
    case GgufType::kU16: return f(load<uint16_t>(from)), true;
    case GgufType::kI16: return f(load<int16_t>(from)), true;
    case GgufType::kU32: return f(load<uint32_t>(from)), true;
    case GgufType::kI32: return f(load<int32_t>(from)), true;
    case GgufType::kF32: return f(load<float>(from)), true;
    case GgufType::kU64: return f(load<uint64_t>(from)), true;
    case GgufType::kI64: return f(load<int64_t>(from)), true;
    case GgufType::kF64: return f(load<double>(from)), true;
    default: return false;
  }
}

std::optional<int64_t> integer_at(GgufType type, const std::byte* from) {
  std::optional<int64_t> value;
  with_number(type, from, [&](auto x) {
    if constexpr (std::is_integral_v<decltype(x)>)
      if (std::in_range<int64_t>(x)) value = static_cast<int64_t>(x);
  });
  return value;
}

std::optional<double> number_at(GgufType type, const std::byte* from) {
  std::optional<double> value;
  with_number(type, from, [&](auto x) { value = static_cast<double>(x); });
  return value;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// All elements of an array of numbers through `read`, or nothing when one cannot be read as such.
template <class T, class Read>
std::optional<std::vector<T>> elements_of(const GgufValue& value, const Read& read) {
  const uint64_t size = bytes_of(value.element);
  if (value.type != GgufType::kArray || size == 0) return std::nullopt;
  std::vector<T> all;
  all.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    const std::optional<T> one = read(value.element, value.bytes.data() + i * size);
    if (!one) return std::nullopt;
    all.push_back(*one);
  }
  return all;
}

}  // namespace

std::string_view name_of(GgufType type) { return kTypes[static_cast<size_t>(type)].name; }

std::optional<int64_t> GgufValue::as_integer() const { return integer_at(type, bytes.data()); }
std::optional<double> GgufValue::as_number() const { return number_at(type, bytes.data()); }

std::optional<bool> GgufValue::as_boolean() const {
  return type == GgufType::kBool ? std::optional(bytes[0] != std::byte{0}) : std::nullopt;
}

std::optional<std::string_view> GgufValue::as_text() const {
  return type == GgufType::kString ? std::optional(text_of(bytes)) : std::nullopt;
}

std::optional<std::vector<int64_t>> GgufValue::as_integers() const { return elements_of<int64_t>(*this, integer_at); }
std::optional<std::vector<double>> GgufValue::as_numbers() const { return elements_of<double>(*this, number_at); }

std::optional<std::vector<std::string_view>> GgufValue::as_texts() const {
  if (type != GgufType::kArray || element != GgufType::kString) return std::nullopt;
  std::vector<std::string_view> all;
  all.reserve(count);
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    const auto size = load<uint64_t>(bytes.data() + at);
    all.push_back(text_of(bytes.subspan(at + 8, size)));
    at += 8 + size;
  }
  return all;
}

int64_t GgufTensor::elements() const {
  int64_t n = 1;
  for (const int64_t dim : shape) n *= dim;
  return n;
}

/// One pass over the header. Throws Failure inside; GgufFile::parse turns that into a Result.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  GgufFile run() {
    GgufFile file;
    file.name_ = name_;
    file.version_ = read_version();
    const auto num_tensors = number<uint64_t>("number of tensors");
    const auto num_entries = number<uint64_t>("number of metadata entries");
    require_room(num_entries, kMinEntryBytes, "metadata entries");
    for (uint64_t i = 0; i < num_entries; ++i) read_entry(file);
    read_alignment(file);
    require_room(num_tensors, kMinTensorBytes, "tensors");
    for (uint64_t i = 0; i < num_tensors; ++i) read_tensor(file);
    place_tensors();
    return file;
  }

 private:
  struct Placed {
    uint64_t offset, bytes, said_at;
    GgufTensor* tensor;
    std::string_view name;
  };

  [[noreturn]] void fail(uint64_t at, const std::string& message) const {
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: offset {}: {}", name_, at, message));
  }

  uint64_t left() const { return bytes_.size() - at_; }

  std::span<const std::byte> take(uint64_t size, std::string_view what) {
    if (size > left()) fail(at_, fmt::format("{} takes {} bytes, the file has {} left", what, size, left()));
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

  template <class T>
  T number(std::string_view what) {
    return load<T>(take(sizeof(T), what).data());
  }

  void require_room(uint64_t count, uint64_t each, std::string_view what) const {
    if (count > left() / each)
      fail(at_, fmt::format("{} {} need {} bytes each at least, the file has {} left", count, what, each, left()));
  }

  std::string_view text(std::string_view what, uint64_t limit = std::numeric_limits<uint64_t>::max()) {
    const uint64_t at = at_, size = number<uint64_t>(what);
    if (size > limit) fail(at, fmt::format("{} has {} bytes, expected {} at most", what, size, limit));
    return text_of(take(size, what));
  }

  GgufType type() {
    const uint64_t at = at_;
    const auto value = number<uint32_t>("value type");
    if (value >= kTypes.size()) fail(at, fmt::format("unknown value type {}", value));
    return static_cast<GgufType>(value);
  }

  uint32_t read_version() {
    if (number<uint32_t>("magic") != kMagic) fail(0, "not a GGUF file (expected the letters GGUF)");
    const auto version = number<uint32_t>("version");
    const uint32_t swapped = __builtin_bswap32(version);
    if (swapped == 2 || swapped == 3) unsupported(4, "a big-endian file");
    if (version == 1) unsupported(4, "version 1");
    if (version != 2 && version != 3) fail(4, fmt::format("version is {}, expected 2 or 3", version));
    return version;
  }

  [[noreturn]] void unsupported(uint64_t at, std::string_view what) const {
    throw Failure(ErrorCode::kUnimplemented, fmt::format("{}: offset {}: {} is not supported", name_, at, what));
  }

  // Walks over a value, so that its bytes can be trusted later.
  GgufValue read_value(GgufType type, int depth) {
    GgufValue value{.type = type, .element = {}, .count = 0, .bytes = {}};
    if (type == GgufType::kString) {
      value.bytes = std::as_bytes(std::span(text("string")));
    } else if (type == GgufType::kArray) {
      read_array(value, depth);
    } else {
      value.bytes = take(bytes_of(type), "value");
      if (type == GgufType::kBool) check_booleans(value.bytes);
    }
    return value;
  }

  void read_array(GgufValue& value, int depth) {
    if (depth >= kMaxNesting) fail(at_, fmt::format("arrays are nested more than {} deep", kMaxNesting));
    value.element = type();
    value.count = number<uint64_t>("array length");
    const uint64_t fixed = bytes_of(value.element);
    require_room(value.count, fixed != 0 ? fixed : value.element == GgufType::kString ? 8 : 12, "array elements");
    const uint64_t begin = at_;
    if (fixed != 0) {
      take(value.count * fixed, "array");
      if (value.element == GgufType::kBool) check_booleans(bytes_.subspan(begin, value.count));
    } else {
      for (uint64_t i = 0; i < value.count; ++i) read_value(value.element, depth + 1);
    }
    value.bytes = bytes_.subspan(begin, at_ - begin);
  }

  void check_booleans(std::span<const std::byte> values) const {
    for (const std::byte& b : values)
      if (std::to_integer<int>(b) > 1)
        fail(static_cast<uint64_t>(&b - bytes_.data()),
             fmt::format("a boolean is {}, expected 0 or 1", std::to_integer<int>(b)));
  }

  void read_entry(GgufFile& file) {
    const uint64_t at = at_;
    const std::string key(text("key", kMaxKey));
    if (key.empty()) fail(at, "an empty key");
    const GgufValue value = read_value(type(), 0);
    if (!file.metadata_.emplace(key, value).second) fail(at, fmt::format("key \"{}\" occurs twice", key));
  }

  void read_alignment(const GgufFile& file) {
    const auto alignment = file.integer("general.alignment");
    if (!alignment) return;
    alignment_ = static_cast<uint64_t>(*alignment);
    if (*alignment < 8 || alignment_ > kMaxAlignment || !std::has_single_bit(alignment_))
      fail(at_,
           fmt::format("general.alignment is {}, expected a power of two from 8 to {}", *alignment, kMaxAlignment));
  }

  void read_tensor(GgufFile& file) {
    const uint64_t at = at_;
    const std::string name(text("tensor name", kMaxTensorName));
    const auto [it, is_new] = file.tensors_.emplace(name, GgufTensor{});
    if (!is_new) fail(at, fmt::format("tensor \"{}\" occurs twice", name));
    GgufTensor& tensor = it->second;
    const auto axes = number<uint32_t>("number of axes");
    if (axes < 1 || axes > kMaxAxes)
      fail(at, fmt::format("tensor \"{}\" has {} axes, expected 1 to {}", name, axes, kMaxAxes));
    for (uint32_t i = 0; i < axes; ++i) tensor.shape.push_back(axis(at, name));
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    const uint64_t bytes = tensor_bytes(tensor, at, name);
    const auto offset = number<uint64_t>("tensor offset");
    if (offset % alignment_ != 0)
      fail(at, fmt::format("tensor \"{}\" lies at {}, expected a multiple of {}", name, offset, alignment_));
    placed_.push_back({offset, bytes, at, &tensor, it->first});
  }

  int64_t axis(uint64_t at, std::string_view name) {
    const auto dim = number<uint64_t>("axis");
    if (!std::in_range<int64_t>(dim)) fail(at, fmt::format("tensor \"{}\" has an axis of {} elements", name, dim));
    return static_cast<int64_t>(dim);
  }

  uint64_t tensor_bytes(GgufTensor& tensor, uint64_t at, std::string_view name) {
    const auto number_of_type = number<uint32_t>("tensor type");
    const GgmlLayout* layout = layout_of(number_of_type);
    if (layout == nullptr) fail(at, fmt::format("tensor \"{}\" has the unknown type {}", name, number_of_type));
    tensor.type = static_cast<GgmlType>(number_of_type);
    if (tensor.shape.back() % layout->block_elements != 0)
      fail(at, fmt::format("tensor \"{}\": rows of {} elements are no whole {} blocks of {}", name, tensor.shape.back(),
                           layout->name, layout->block_elements));
    int64_t elements = 1;
    for (const int64_t dim : tensor.shape)
      if (__builtin_mul_overflow(elements, dim, &elements)) fail(at, fmt::format("tensor \"{}\" is too large", name));
    const auto bytes = formats::bytes_of(*layout, static_cast<uint64_t>(elements));
    if (!bytes) fail(at, fmt::format("tensor \"{}\" is too large", name));
    return *bytes;
  }

  // The data begin at the next multiple of the alignment behind the header; offsets count from there.
  void place_tensors() {
    const uint64_t begin = (at_ + alignment_ - 1) / alignment_ * alignment_;
    const uint64_t room = begin < bytes_.size() ? bytes_.size() - begin : 0;
    std::sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) {
      return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
    });
    uint64_t free = 0;
    for (const Placed& p : placed_) {
      if (p.offset > room || p.bytes > room - p.offset)
        fail(p.said_at, fmt::format("tensor \"{}\" takes {} bytes at {}, the file has {} bytes of data (truncated?)",
                                    p.name, p.bytes, p.offset, room));
      if (p.offset < free && p.bytes > 0)
        fail(p.said_at, fmt::format("tensor \"{}\" at {} overlaps the one before it", p.name, p.offset));
      if (p.bytes > 0) p.tensor->bytes = bytes_.subspan(begin + p.offset, p.bytes);
      free = std::max(free, p.offset + p.bytes);
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& name_;
  uint64_t at_ = 0, alignment_ = 32;
  std::vector<Placed> placed_;
};

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, const std::string& name) {
  try {
    return GgufParser(bytes, name).run();
  } catch (const Failure& e) {
    return e.error();
  }
}

Result<GgufFile> GgufFile::open(const fs::path& path) {
  try {
    auto map = std::make_shared<MappedFile>(path);
    Result<GgufFile> file = parse(map->bytes(), path.string());
    map->count_in();
    if (file.ok()) file->file_ = std::move(map);
    return file;
  } catch (const Failure& e) {
    return e.error();
  }
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? nullptr : &it->second;
}

const GgufTensor* GgufFile::tensor(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

namespace {

template <class T>
std::optional<T> typed(const GgufFile& file, std::string_view key, std::string_view expected,
                       std::optional<T> (GgufValue::*as)() const) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<T> result = (value->*as)();
  if (!result)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: {}: expected {}, got {}", file.name(), key, expected, name_of(value->type)));
  return result;
}

}  // namespace

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  return typed(*this, key, "an integer", &GgufValue::as_integer);
}

std::optional<double> GgufFile::number(std::string_view key) const {
  return typed(*this, key, "a number", &GgufValue::as_number);
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  return typed(*this, key, "a boolean", &GgufValue::as_boolean);
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
  const auto value = typed(*this, key, "a string", &GgufValue::as_text);
  return value ? std::optional<std::string>(*value) : std::nullopt;
}

}  // namespace maru::formats
