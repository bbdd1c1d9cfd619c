// For formats_reference_test.py: readers and writers of weights on files that Python made.
//   formats_tool dequantize FILE.gguf OUT     every tensor that can be expanded, as safetensors of f32
//   formats_tool quantize TYPE IN OUT         raw f32 to raw blocks
//   formats_tool safetensors DIR OUT TYPE     convert_to_safetensors
//   formats_tool gguf DIR OUT TYPE            convert_to_gguf
//   formats_tool merge DIR ADAPTER OUT        merge_adapter
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "formats/block_quant.h"
#include "formats/convert.h"
#include "formats/lora.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

void dequantize_file(const fs::path& in, const fs::path& out) {
  const WeightFiles files(in);
  SafetensorsWriter writer(out);
  std::vector<const StoredTensor*> readable;
  for (const StoredTensor& t : files.tensors())
    if (const auto type = ggml_type_named(t.dtype); type && can_dequantize(*type)) readable.push_back(&t);
  for (const StoredTensor* t : readable) writer.declare(t->name, "F32", t->shape);
  for (const StoredTensor* t : readable) {
    const std::vector<float> values = read_plain(*t, in.string());
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.commit();
}

void quantize_file(GgmlType type, const fs::path& in, const fs::path& out) {
  const std::string raw = read_file(in);
  std::vector<float> values(raw.size() / 4);
  std::memcpy(values.data(), raw.data(), values.size() * 4);
  std::vector<std::byte> blocks(*bytes_of(layout_of(type), values.size()));
  quantize(type, values, blocks);
  write_file(out, {reinterpret_cast<const char*>(blocks.data()), blocks.size()});
}

int run(const std::vector<std::string>& a) {
  const std::string command = a.empty() ? "" : a[0];
  if (command == "dequantize") {
    dequantize_file(a.at(1), a.at(2));
  } else if (command == "quantize") {
    quantize_file(ggml_type_named(a.at(1)).value(), a.at(2), a.at(3));
  } else if (command == "safetensors") {
    fs::create_directories(a.at(2));
    convert_to_safetensors(a.at(1), a.at(2), ggml_type_named(a.at(3)));
  } else if (command == "merge") {
    fs::create_directories(a.at(3));
    merge_adapter(a.at(1), LoraAdapter(a.at(2)), a.at(3));
  } else {
    convert_to_gguf(a.at(1), a.at(2), ggml_type_named(a.at(3)), "test", "");
  }
  return 0;
}

}  // namespace
}  // namespace maru::formats

int main(int argc, char** argv) {
  try {
    return maru::formats::run({argv + 1, argv + argc});
  } catch (const maru::Failure& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
