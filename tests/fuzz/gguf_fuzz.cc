// GGUF from hostile hands: parsed, every value looked at in every way, every tensor expanded and read as integers, read
// as a configuration.
#include <algorithm>

#include "base/json.h"
#include "formats/block_integers.h"
#include "formats/block_quant.h"
#include "formats/gguf.h"
#include "models/gguf_model.h"

namespace maru::formats {
namespace {

void look_at(const GgufValue& value) {
  (void)value.as_integer();
  (void)value.as_number();
  (void)value.as_boolean();
  (void)value.as_text();
  (void)value.as_integers();
  (void)value.as_numbers();
  (void)value.as_texts();
}

void expand(const GgufTensor& tensor) {
  if (!can_dequantize(tensor.type)) return;
  const auto block = static_cast<size_t>(tensor.layout().block_elements);
  const size_t blocks = tensor.bytes.size() / static_cast<size_t>(tensor.layout().block_bytes);
  std::vector<float> values(block * blocks);
  dequantize(tensor.type, tensor.bytes, values);
  if (!integer_form(tensor.type)) return;
  std::vector<int8_t> q(values.size());
  std::vector<float> scales(values.size() / kIntegerGroup), offsets(scales.size());
  to_integers(tensor.type, tensor.bytes, {q.data(), scales.data(), offsets.data()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<GgufFile> file = GgufFile::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz.gguf");
  if (!file.ok()) return 0;
  for (const auto& [key, value] : file.value().metadata()) look_at(value);
  for (const auto& [name, tensor] : file.value().tensors()) expand(tensor);
  try {
    (void)hugging_face_config(file.value());
  } catch (const Failure&) {  // refused with a message: what it should do
  }
  return 0;
}

}  // namespace maru::formats
