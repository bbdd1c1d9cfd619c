#include "cli/encoder_input.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>

#include "base/json_node.h"
#include "cli/usage.h"

namespace maru::cli {
Rows::Rows(const std::string& file) : where_(file == "-" ? "standard input" : file) {
  if (file != "-") lines_ = std::make_unique<LineReader>(file);
}

std::vector<Row> Rows::next(size_t most) {
  std::vector<Row> rows;
  std::string line;
  while (rows.size() < most && read_line(line)) {
    ++count_;
    if (line.find_first_not_of(" \t") != std::string::npos) rows.push_back(row_of(line));
  }
  return rows;
}

bool Rows::read_line(std::string& line) {
  if (lines_ == nullptr) return static_cast<bool>(std::getline(std::cin, line));
  const auto next = lines_->next();
  if (next) line = *next;
  return next.has_value();
}

Row Rows::row_of(const std::string& line) {
  if (line.front() != '{') return {.id = number_++, .text = line};
  const std::string where = fmt::format("{}:{}", where_, count_);
  const Json json = parse_json(line, where).value();
  const JsonNode node(json, where);
  const JsonNode id = node["id"], query = node["query"];
  Row row{.id = id.is_missing() ? Json(number_) : id.json(), .text = node["text"].string()};
  if (!query.is_missing()) row.query = query.string();
  ++number_;
  return row;
}

void EncoderOptions::add_to(CLI::App* verb, const char* what) {
  verb->add_option("model", model, "encoder by name or directory")->required();
  verb->add_option("file", file, what);
  verb->add_option("--dtype", dtype, "weights in bf16 or f32; without it, as the model says");
  verb->add_option("--batch-tokens", batch_tokens, "tokens computed together; results do not depend on it")
      ->check(whole_number_in(1, 1 << 20));
}

infer::LoadedEncoder EncoderOptions::load(Session& session) const {
  const auto wanted = dtype.empty() ? std::nullopt : std::optional(parse_dtype(dtype));
  return {
      session.find(Kind::kModel, model), session.machine().device(), {.dtype = wanted, .batch_tokens = batch_tokens}};
}

void print_line(const Json& json) {
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

}  // namespace maru::cli
