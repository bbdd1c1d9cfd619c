#include "pipeline/measured_text.h"

#include <algorithm>

#include "base/progress.h"
#include "catalogue/lineage.h"
#include "train/validate.h"

namespace maru::pipeline {
namespace {

constexpr int64_t kLongestWindow = 2048;
constexpr uint64_t kBytesPerToken = 4;  // of text that are read for each token that is wanted, about

}  // namespace

int64_t measured_window(Decoder& model) { return std::min(kLongestWindow, model.config().max_position_embeddings); }

fs::path find_text(const Workplace& at, const std::string& name, const char* split) {
  const fs::path found = at.home.find(Kind::kDataset, name);
  return fs::is_directory(found) ? catalogue::split_file(found, split) : found;
}

eval::Windows windows_of_file(const fs::path& file, const text::Tokenizer& tokenizer, int64_t length, int64_t most) {
  const uint64_t bytes = most > 0 ? static_cast<uint64_t>(most) * kBytesPerToken : UINT64_MAX;
  return eval::windows_of(eval::read_documents(file, bytes), tokenizer, length, most);
}

MeasuredText measured_text(const Workplace& at, const TextWanted& wanted, const text::Tokenizer& tokenizer,
                           int64_t window) {
  MeasuredText m{.window = window};
  if (!wanted.text.empty()) {
    const fs::path file = find_text(at, wanted.text, "held_out");
    m.on = file.string();
    m.windows = windows_of_file(file, tokenizer, window, wanted.tokens);
    m.tokens = m.windows.counted;
  } else if (const fs::path tokens = catalogue::tokens_behind(wanted.of); !tokens.empty() && fs::exists(tokens)) {
    m.on = tokens.string() + ": held_out";
    m.held_out.emplace(tokens, "held_out");
    m.tokens = m.held_out->num_tokens();
    if (wanted.tokens > 0) m.tokens = std::min(m.tokens, wanted.tokens);
  }
  return m;
}

std::optional<double> bits_per_byte(const Workplace& at, Decoder& model, const MeasuredText& measured,
                                    Adapter* adapter) {
  StepMemory memory(at.machine.device());
  if (adapter != nullptr) memory.adapters = &adapter->everywhere();
  Progress bar(at.watch, "score", static_cast<uint64_t>(measured.tokens), "tokens");
  const auto progress = [&](int64_t tokens) {
    at.watch.throw_if_cancelled();
    bar.update(static_cast<uint64_t>(tokens));
  };
  if (!measured.held_out) return eval::score_windows(memory, model, measured.windows, progress).bits_per_byte();
  const auto score = train::validate(memory, model, *measured.held_out, measured.window,
                                     std::max<int64_t>(measured.window, 4096), measured.tokens, 0, progress);
  return score.bits_per_byte();
}

}  // namespace maru::pipeline
