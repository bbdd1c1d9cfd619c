#include "text/langid/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/hash.h"

namespace maru::text {
namespace {

static_assert(std::endian::native == std::endian::little, "model files are read as they lie in memory");

constexpr std::string_view kMagic("MARULID\n", 8);
constexpr size_t kScriptNameBytes = 4;
constexpr uint32_t kMaxRows = 1u << 24;

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
void put_all(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// A cursor that turns false at the first thing amiss and remembers what it was.
class Reader {
 public:
  Reader(std::string_view bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  template <class T>
  T get(std::string_view what) {
    T value{};
    if (need(sizeof value, what)) std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> get_all(uint64_t count, std::string_view what) {
    if (!need(count * sizeof(T), what)) return {};
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), take(count * sizeof(T)), count * sizeof(T));
    return values;
  }
  std::string text(uint64_t size, std::string_view what) {
    return need(size, what) ? std::string(take(size), size) : std::string();
  }
  bool require(bool condition, const std::string& message) {
    if (!condition && error_.empty()) error_ = message;
    return error_.empty();
  }
  bool ok() const { return error_.empty(); }
  size_t left() const { return bytes_.size() - at_; }
  Error error() const { return {ErrorCode::kDataLoss, fmt::format("{}: byte {}: {}", name_, at_, error_)}; }

 private:
  bool need(uint64_t size, std::string_view what) {
    return require(size <= left(), fmt::format("expected {} bytes of {}, got {}", size, what, left()));
  }
  const char* take(size_t size) { return bytes_.data() + (at_ += size) - size; }
  std::string_view bytes_, name_;
  size_t at_ = 0;
  std::string error_;
};

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

template <class T>
bool strictly_ascending(const std::vector<T>& values) {
  return std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) == values.end();
}

ScriptModel read_script(Reader& reader, size_t num_languages) {
  ScriptModel model;
  const std::string script = reader.text(kScriptNameBytes, "script name");
  model.script = reader.ok() ? script_of_name(script) : kNoScript;
  reader.require(model.script != kNoScript, fmt::format("expected a script, got \"{}\"", script));
  const uint32_t count = reader.get<uint16_t>("language count"), rows = reader.get<uint32_t>("n-gram count");
  reader.require(rows <= kMaxRows, fmt::format("expected at most {} n-grams, got {}", kMaxRows, rows));
  reader.require(count > 0, fmt::format("script {} has no language", script));
  model.languages = reader.get_all<uint16_t>(count, "language numbers");
  model.bias = reader.get_all<float>(count, "biases");
  model.scale = reader.get_all<float>(count, "scales");
  model.keys = reader.get_all<uint32_t>(rows, "n-gram keys");
  model.weights = reader.get_all<int8_t>(uint64_t{rows} * count, "weights");
  reader.require(strictly_ascending(model.languages) && strictly_ascending(model.keys), "numbers must be ascending");
  reader.require(model.languages.empty() || model.languages.back() < num_languages, "a language number is too high");
  reader.require(all_finite(model.bias) && all_finite(model.scale), "a bias or scale is not finite");
  return model;
}

void read_header(Reader& reader, std::string_view bytes) {
  reader.require(reader.text(kMagic.size(), "magic") == kMagic, "not a language identification model");
  const auto version = reader.get<uint32_t>("version");
  reader.require(version == kLangidFormat, fmt::format("expected format {}, got {}", kLangidFormat, version));
  if (!reader.ok() || !reader.require(reader.left() >= 8, "truncated before the checksum")) return;
  uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + bytes.size() - 8, 8);
  reader.require(checksum == hash64(bytes.substr(0, bytes.size() - 8)), "the checksum does not fit the content");
}

}  // namespace

std::string serialise_langid(const LangidModel& model) {
  std::string bytes(kMagic);
  put(bytes, kLangidFormat);
  put(bytes, static_cast<uint16_t>(model.languages.size()));
  put(bytes, static_cast<uint16_t>(model.scripts.size()));
  for (const std::string& language : model.languages) {
    put(bytes, static_cast<uint8_t>(language.size()));
    bytes += language;
  }
  for (const ScriptModel& script : model.scripts) {
    bytes += name_of_script(script.script);
    put(bytes, static_cast<uint16_t>(script.languages.size()));
    put(bytes, static_cast<uint32_t>(script.keys.size()));
    put_all(bytes, script.languages);
    put_all(bytes, script.bias);
    put_all(bytes, script.scale);
    put_all(bytes, script.keys);
    put_all(bytes, script.weights);
  }
  put(bytes, hash64(bytes));
  return bytes;
}

Result<LangidModel> parse_langid(std::string_view bytes, std::string_view name) {
  Reader reader(bytes, name);
  LangidModel model;
  read_header(reader, bytes);
  const auto languages = reader.get<uint16_t>("language count"), scripts = reader.get<uint16_t>("script count");
  for (int i = 0; i < languages && reader.ok(); ++i)
    model.languages.push_back(reader.text(reader.get<uint8_t>("name length"), "language name"));
  reader.require(strictly_ascending(model.languages), "languages must be ascending");
  for (int i = 0; i < scripts && reader.ok(); ++i) model.scripts.push_back(read_script(reader, languages));
  reader.require(reader.left() == 8, "bytes are left over");
  for (size_t i = 1; i < model.scripts.size(); ++i)
    reader.require(model.scripts[i - 1].script < model.scripts[i].script, "scripts must be ascending");
  if (!reader.ok()) return reader.error();
  return model;
}

}  // namespace maru::text
