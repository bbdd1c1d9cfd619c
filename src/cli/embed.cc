// maru embed: texts to vectors.
#include <fmt/format.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "cli/encoder_input.h"
#include "cli/verbs.h"

namespace maru::cli {
namespace {

struct Options : EncoderOptions {
  std::string prompt;
};

// Numbers with as few digits as tell the floats apart; as doubles they would be printed with digits that say nothing.
std::vector<double> shortest(const std::vector<float>& vector) {
  std::vector<double> numbers;
  numbers.reserve(vector.size());
  for (float x : vector) numbers.push_back(std::stod(fmt::format("{}", x)));
  return numbers;
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

}  // namespace

void add_embed(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("embed", "texts to vectors with a sentence encoder");
  auto o = std::make_shared<Options>();
  o->add_to(verb, "lines of text, or of {\"id\", \"text\"}; - or nothing: standard input");
  verb->add_option("--prompt", o->prompt, "what the model's files put before texts of this kind, by name");
  verb->footer("Answers one line of {\"id\", \"tokens\", \"embedding\"} per text, or one object with --json.");
  verb->callback([&session, o] { embed(session, *o); });
}

}  // namespace maru::cli
