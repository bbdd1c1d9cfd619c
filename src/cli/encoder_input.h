// What the verbs with an encoder share: their options, and the lines that they read.
#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "base/json.h"
#include "cli/session.h"
#include "infer/loaded_encoder.h"

namespace maru::cli {

inline constexpr size_t kLinesAtOnce = 256;  // read and answered together: bounds memory, fills batches

/// One line of input.
struct Row {
  Json id;  // as the line says, else its number from 0
  std::string text;
  std::string query;  // of a pair
};

/// Lines of a file or of standard input: JSON objects, or plain texts.
class Rows {
 public:
  explicit Rows(const std::string& file);
  /// Up to `most` rows; none at the end.
  std::vector<Row> next(size_t most);

 private:
  bool read_line(std::string& line);
  Row row_of(const std::string& line);
  std::string where_;
  std::unique_ptr<LineReader> lines_;
  int64_t count_ = 0, number_ = 0;
};

struct EncoderOptions {
  std::string model, file = "-", dtype;
  int64_t batch_tokens = 4096;

  void add_to(CLI::App* verb, const char* what);
  infer::LoadedEncoder load(Session& session) const;
};

/// One line of JSON on standard output.
void print_line(const Json& json);

}  // namespace maru::cli
