// Files of keys, the first byte says whether JSON or YAML: what is taken is written and read again the same, and each
// record has a name, a hash and a time that can be compared.
#include "base/json.h"
#include "platform/key_file.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const KeyList keys = parse_keys(text, data[0] % 2 == 0 ? "keys.json" : "keys.yaml");
    for (const KeyRecord& key : keys.keys)
      require(!key.name.empty() && key.hash.size() == 64 && (key.expires.empty() || parse_utc(key.expires).ok()));
    const Json written = to_json(keys);
    require(to_json(parse_keys(written.dump(), "again.json")) == written);
  } catch (const Failure& failure) {
    require(failure.code() == ErrorCode::kInvalidArgument);
  }
  return 0;
}

}  // namespace maru::platform
