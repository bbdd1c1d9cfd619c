#include "cli/inspect_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/progress.h"

namespace maru::cli {
namespace {

std::string first_line(const std::string& text) {
  const size_t from = text.find_first_not_of(" \r\n\t");
  return from == std::string::npos ? "" : text.substr(from, text.find_first_of("\r\n", from) - from);
}

template <class Key>
std::string counted(const std::map<Key, int64_t>& counts) {
  std::string text;
  for (const auto& [key, count] : counts) text += fmt::format("{}{} ({}x)", text.empty() ? "" : ", ", key, count);
  return text;
}

}  // namespace

std::string text_of(const pipeline::Inspection& in) {
  const auto line = [](std::string_view title, const std::string& value) {
    return fmt::format("{:<13}{}\n", title, value.empty() ? "-" : value);
  };
  const auto bytes = [](uint64_t n) { return short_bytes(static_cast<double>(n)); };
  std::string text = line("path", in.path) + line("kind", in.kind) + line("architecture", in.architecture) +
                     line("parameters", short_count(static_cast<double>(in.parameters)));
  for (const auto& [name, count] : in.dtypes)
    text += line("", fmt::format("{}: {} tensors, {} elements, {}", name, count.tensors,
                                 short_count(static_cast<double>(count.elements)), bytes(count.bytes)));
  if (!in.quantization.empty()) text += line("quantization", in.quantization);
  text += line("tokenizer", fmt::format("{}, {} tokens, {} chat template", in.tokenizer, in.tokens,
                                        in.chat_template ? "with a" : "no"));
  text += line("licence",
               in.licence.name +
                   (in.licence.file.empty() ? "" : " (" + in.licence.file + ": " + first_line(in.licence.text) + ")"));
  text += line("memory", fmt::format("{} in the files, {} loaded", bytes(in.weight_bytes), bytes(in.loaded_bytes)));
  for (const pipeline::MemoryAt& at : in.memory)
    text += line("", fmt::format("+ {} keys and values at {} tokens", bytes(at.bytes), at.context));
  for (const std::string& origin : in.foreign) text += line("foreign", origin);
  return text + fmt::format("{:<13}{}", "runs here", in.obstacle.empty() ? "yes" : "no: " + in.obstacle);
}

std::string text_of(const pipeline::AdapterInspection& in) {
  const auto line = [](std::string_view title, const std::string& value) {
    return fmt::format("{:<13}{}\n", title, value.empty() ? "-" : value);
  };
  std::string text = line("path", in.path) + line("kind", "PEFT adapter, " + in.method) +
                     line("made for", in.base_model) +
                     line("parameters", short_count(static_cast<double>(in.parameters)));
  for (const auto& [name, count] : in.dtypes)
    text += line("", fmt::format("{}: {} tensors, {} elements, {}", name, count.tensors,
                                 short_count(static_cast<double>(count.elements)),
                                 short_bytes(static_cast<double>(count.bytes))));
  text += line("modules", counted(in.modules)) + line("rank", counted(in.ranks)) + line("scale", counted(in.scales));
  if (!in.replaced.empty()) text += line("replaces", fmt::format("{}", fmt::join(in.replaced, ", ")));
  text += line("licence", in.licence.name);
  for (const std::string& origin : in.foreign) text += line("foreign", origin);
  return text +
         fmt::format("{:<13}{}", "usable", in.obstacle.empty() ? "yes, beside that model" : "no: " + in.obstacle);
}

}  // namespace maru::cli
