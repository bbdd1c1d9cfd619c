// maru rerank: pairs of texts to scores.
#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/interrupt.h"
#include "base/json.h"
#include "cli/encoder_input.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

struct Options : EncoderOptions {
  std::string query;
  int64_t top = 0;
};

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
