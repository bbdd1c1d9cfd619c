#include "cli/example_text.h"

#include <fmt/format.h>

namespace maru::cli {
namespace {

// C0 and DEL; of C1, which UTF-8 has behind 0xC2, terminals take some for orders, too.
std::string visible(std::string_view text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1)
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      shown += fmt::format("\\x{:02x}", c);
    else
      shown += text[i];
  }
  return shown;
}

std::string head_of(const pipeline::Example& example, bool pairs) {
  if (!example.role.empty())
    return fmt::format("── text {}, {}: {} tokens ──\n", example.document, example.role, example.tokens);
  const std::string number = fmt::format("{}", pairs ? example.document / 2 : example.document);
  const char* side = !pairs ? "" : example.document % 2 == 0 ? ", the chosen answer" : ", the rejected answer";
  return fmt::format("── {} {}{}: {} tokens, {} learnt ──\n", pairs ? "pair" : "document", number, side, example.tokens,
                     example.learned);
}

std::string body_of(const pipeline::Example& example, bool colour) {
  std::string text;
  for (const pipeline::ExamplePiece& piece : example.pieces) {
    const std::string shown = visible(piece.text);
    if (!piece.learned)
      text += shown;
    else
      text += colour ? "\033[32m" + shown + "\033[0m" : "⟦" + shown + "⟧";
  }
  return text.ends_with('\n') ? text : text + "\n";
}

}  // namespace

std::string show(const pipeline::Examples& examples, bool colour) {
  const pipeline::ExampleFigures& f = examples.figures;
  std::string text;
  for (const pipeline::Example& example : examples.shown)
    text += head_of(example, f.pairs) + body_of(example, colour) + "\n";
  if (f.texts)
    return text + fmt::format("{} texts to learn from, {} held out; {} tokens; the longest {}", f.documents, f.held_out,
                              f.tokens, f.longest);
  const double part = f.tokens > 0 ? 100.0 * static_cast<double>(f.learned) / static_cast<double>(f.tokens) : 0;
  return text + fmt::format("{} {} to learn from, {} held out; {} tokens, {:.0f} % of them learnt; the longest {}",
                            f.pairs ? f.documents / 2 : f.documents, f.pairs ? "pairs" : "documents",
                            f.pairs ? f.held_out / 2 : f.held_out, f.tokens, part, f.longest);
}

}  // namespace maru::cli
