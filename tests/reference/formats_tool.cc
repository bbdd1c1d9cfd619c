// For formats_reference_test.py: readers and writers of weights on files that Python made.
//   formats_tool dequantize FILE.gguf OUT     every tensor that can be expanded, as safetensors of f32
//   formats_tool quantize TYPE IN OUT         raw f32 to raw blocks
//   formats_tool safetensors DIR OUT TYPE     convert_to_safetensors
//   formats_tool gguf DIR OUT TYPE            convert_to_gguf with put_text; prints what became of the tokenizer
//   formats_tool merge DIR ADAPTER OUT        merge_into_model
//   formats_tool ids PATH LINES.jsonl         the ids of each line by load_text
//   formats_tool lines                        script_lines
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/json.h"
#include "formats/block_quant.h"
#include "formats/convert.h"
#include "formats/lora.h"
#include "formats/safetensors_writer.h"
#include "infer/gguf_text.h"
#include "infer/model_text.h"
#include "models/adapter.h"
#include "models/gguf_export.h"
#include "text/tokenizer/files/script_lines.h"

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
  } else if (command == "ids") {
    const infer::ModelText text = infer::load_text(a.at(1));
    LineReader lines(a.at(2));
    while (const auto line = lines.next()) {
      const Json ids = text.tokenizer.encode(parse_json(*line, a.at(2)).value().get<std::string>());
      puts(ids.dump().c_str());
    }
  } else if (command == "lines") {
    for (const std::string& line : text::script_lines()) puts(Json(line).dump().c_str());
  } else if (command == "merge") {
    fs::create_directories(a.at(3));
    merge_into_model(a.at(1), LoraAdapter(a.at(2)), a.at(3));
  } else {
    infer::TokenizerExport made;
    convert_to_gguf(a.at(1), a.at(2), ggml_type_named(a.at(3)), "test",
                    [&](GgufWriter& writer, int64_t size) { made = infer::put_text(writer, a.at(1), "", size); });
    Json json{{"model", made.model}, {"pre", made.pre}, {"exact", made.exact}};
    if (made.trial) json.update({{"lines", made.trial->lines}, {"differing", made.trial->differing}});
    puts(json.dump().c_str());
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
