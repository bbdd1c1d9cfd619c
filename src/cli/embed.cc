// maru embed and maru rerank: texts to vectors, and pairs of texts to scores.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <numeric>

#include "base/byte_source.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "infer/loaded_encoder.h"

namespace maru::cli {
namespace {

constexpr size_t kLinesAtOnce = 256;  // read and answered together: bounds memory, fills batches

/// One line of input.
struct Row {
  Json id;  // as the line says, else its number from 0
  std::string text;
  std::string query;  // of a pair
};

/// Lines of a file or of standard input: JSON objects, or plain texts.
class Rows {
 public:
  explicit Rows(const std::string& file) : where_(file == "-" ? "standard input" : file) {
    if (file != "-") lines_ = std::make_unique<LineReader>(file);
  }
  /// Up to `most` rows; none at the end.
  std::vector<Row> next(size_t most) {
    std::vector<Row> rows;
    std::string line;
    while (rows.size() < most && read_line(line)) {
      ++count_;
      if (line.find_first_not_of(" \t") != std::string::npos) rows.push_back(row_of(line));
    }
    return rows;
  }

 private:
  bool read_line(std::string& line) {
    if (lines_ == nullptr) return static_cast<bool>(std::getline(std::cin, line));
    const auto next = lines_->next();
    if (next) line = *next;
    return next.has_value();
  }
  Row row_of(const std::string& line) {
    if (line.front() != '{') return {.id = number_++, .text = line};
    const std::string where = fmt::format("{}:{}", where_, count_);
    const Json json = parse_json(line, where).value();
    Row row{.id = json.value("id", Json(number_)), .text = string_at(json, "text", where)};
    if (json.contains("query")) row.query = string_at(json, "query", where);
    ++number_;
    return row;
  }
  static std::string string_at(const Json& json, const char* key, const std::string& where) {
    if (json.contains(key) && json[key].is_string()) return json[key].get<std::string>();
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("{}: {}: expected a string", where, key));
  }
  std::string where_;
  std::unique_ptr<LineReader> lines_;
  int64_t count_ = 0, number_ = 0;
};

// Numbers with as few digits as tell the floats apart; as doubles they would be printed with digits that say nothing.
std::vector<double> shortest(const std::vector<float>& vector) {
  std::vector<double> numbers;
  numbers.reserve(vector.size());
  for (float x : vector) numbers.push_back(std::stod(fmt::format("{}", x)));
  return numbers;
}

void print_line(const Json& json) {
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

struct Options {
  std::string model, file = "-", dtype;
  int64_t batch_tokens = 4096;
  std::string prompt;  // embed
  std::string query;   // rerank
  int64_t top = 0;

  void add_to(CLI::App* verb, const char* what) {
    verb->add_option("model", model, "encoder by name or directory")->required();
    verb->add_option("file", file, what);
    verb->add_option("--dtype", dtype, "weights in bf16 or f32; without it, as the model says");
    verb->add_option("--batch-tokens", batch_tokens, "tokens computed together; results do not depend on it")
        ->check(whole_number_in(1, 1 << 20));
  }
  infer::LoadedEncoder load(Session& session) const;
};

infer::LoadedEncoder Options::load(Session& session) const {
  const auto wanted = dtype.empty() ? std::nullopt : std::optional(parse_dtype(dtype));
  return {session.find("models", model), session.stream(), {.dtype = wanted, .batch_tokens = batch_tokens}};
}

void embed(Session& session, const Options& o) {
  infer::LoadedEncoder encoder = o.load(session);
  const std::string prompt = encoder.prompt(o.prompt);
  Rows rows(o.file);
  Json all = Json::array();
  for (std::vector<Row> some = rows.next(kLinesAtOnce); !some.empty(); some = rows.next(kLinesAtOnce)) {
    std::vector<infer::EncoderInput> inputs;
    for (const Row& row : some) inputs.push_back(encoder.input_of(prompt + row.text));
    throw_if_interrupted();
    const std::vector<std::vector<float>> vectors = encoder.runner().embed(inputs);
    for (size_t i = 0; i < some.size(); ++i) {
      Json line{{"id", some[i].id}, {"tokens", inputs[i].tokens.size()}, {"embedding", shortest(vectors[i])}};
      if (session.json)
        all.push_back(std::move(line));
      else
        print_line(line);
    }
  }
  if (session.json)
    session.answer({{"model", encoder.name()}, {"dimension", encoder.model().dimension()}, {"data", all}}, "");
}

/// Scores of all rows, in the order of the input.
struct Scored {
  std::vector<Row> rows;
  std::vector<double> scores;
};

Scored score(infer::LoadedEncoder& encoder, const Options& o) {
  Rows rows(o.file);
  Scored all;
  for (std::vector<Row> some = rows.next(kLinesAtOnce); !some.empty(); some = rows.next(kLinesAtOnce)) {
    std::vector<infer::EncoderInput> inputs;
    for (const Row& row : some) {
      const std::string& query = row.query.empty() ? o.query : row.query;
      if (query.empty())
        throw Failure(ErrorCode::kInvalidArgument, "row " + row.id.dump() + ": expected a \"query\", or --query");
      inputs.push_back(encoder.input_of(infer::TextPair{query, row.text}));
    }
    throw_if_interrupted();
    const std::vector<double> scores = encoder.runner().score(inputs);
    all.scores.insert(all.scores.end(), scores.begin(), scores.end());
    std::move(some.begin(), some.end(), std::back_inserter(all.rows));
  }
  return all;
}

/// The rows to print: all in the order of the input, or the `top` best, equal scores in the order of the input.
std::vector<size_t> ranking(const std::vector<double>& scores, int64_t top) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (top == 0) return order;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(top)));
  return order;
}

void rerank(Session& session, const Options& o) {
  infer::LoadedEncoder encoder = o.load(session);
  const Scored scored = score(encoder, o);
  Json all = Json::array();
  for (size_t i : ranking(scored.scores, o.top)) {
    Json line{{"id", scored.rows[i].id}, {"score", scored.scores[i]}, {"text", scored.rows[i].text}};
    if (session.json)
      all.push_back(std::move(line));
    else
      print_line(line);
  }
  if (session.json) session.answer({{"model", encoder.name()}, {"data", all}}, "");
}

}  // namespace

void add_embed(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("embed", "texts to vectors with a sentence encoder");
  auto o = std::make_shared<Options>();
  o->add_to(verb, "lines of text, or of {\"id\", \"text\"}; - or nothing: standard input");
  verb->add_option("--prompt", o->prompt, "what the model's files put before texts of this kind, by name");
  verb->footer("Answers one line of {\"id\", \"tokens\", \"embedding\"} per text, or one object with --json.");
  verb->callback([&session, o] { embed(session, *o); });
}

void add_rerank(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("rerank", "scores how well texts answer a query, with a cross-encoder");
  auto o = std::make_shared<Options>();
  o->add_to(verb, "lines of text, or of {\"id\", \"text\", \"query\"}; - or nothing: standard input");
  verb->add_option("--query", o->query, "for lines that bring none");
  verb->add_option("--top", o->top, "only the best so many, best first; 0: all, in the order of the input")
      ->check(whole_number_in(0, int64_t{1} << 40));
  verb->footer("Answers one line of {\"id\", \"score\", \"text\"} per text, or one object with --json.");
  verb->callback([&session, o] { rerank(session, *o); });
}

}  // namespace maru::cli
