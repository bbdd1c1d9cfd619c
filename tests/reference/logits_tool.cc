// Hashes of what models compute: logits_tool MODEL… prints, for each instruction set of the machine and both dtypes,
//   logits NAME ISA DTYPE SHA-256
// of all logits of two sequences that are served together: prompts in chunks of different sizes, then token by token.
// tools/same_bits compares these lines before and after a change.
#include <cstdio>
#include <string>

#include "base/hash.h"
#include "infer/decoder_runner.h"
#include "models/model_files.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

constexpr int64_t kPrompt = 70, kTokens = 76, kChunks[] = {23, 41};  // beyond a page of 64 tokens

struct Served {
  std::vector<int32_t> tokens;
  std::vector<PageId> pages;
  int64_t past = 0, chunk;
  int64_t next() const { return past < kPrompt ? std::min(chunk, kPrompt - past) : int64_t{1}; }
};

std::string logits_of(StepModel& model) {
  PagePool pages(model.num_pages(), model.page_tokens());
  std::vector<Served> served;
  for (const int64_t chunk : kChunks) {
    Served& s = served.emplace_back();
    s.chunk = chunk;
    for (int64_t i = 0; i < kTokens; ++i)
      s.tokens.push_back(static_cast<int32_t>((i * (chunk + 4) + 3) % model.vocab_size()));
    pages.allocate((kTokens + model.page_tokens() - 1) / model.page_tokens(), s.pages);
  }
  Sha256 hash;
  while (served[0].past < kTokens || served[1].past < kTokens) {
    std::vector<StepSequence> step;
    for (const Served& s : served)
      if (s.past < kTokens)
        step.push_back(
            {std::span(s.tokens).subspan(static_cast<size_t>(s.past), static_cast<size_t>(s.next())), s.past, s.pages});
    std::vector<std::string> rows(step.size());
    model.run(step, [&](const LogitsRow& row) {
      rows[row.sequence].append(reinterpret_cast<const char*>(row.logits.data()), row.logits.size_bytes());
    });
    for (const std::string& bytes : rows) hash.update(bytes);
    for (Served& s : served)
      if (s.past < kTokens) s.past += s.next();
  }
  return hash.hex();
}

void print(const fs::path& path, Isa isa, Dtype dtype) {
  ThreadPool pool(2);
  CpuDevice device{&pool, isa};
  const auto model = load_for_serving(device.host(), path, dtype);
  DecoderRunner runner(*model, device, int64_t{1} << 24);
  std::printf("logits %s %s %s %s\n", path.filename().c_str(), std::string(name_of(isa)).c_str(),
              std::string(name_of(dtype)).c_str(), logits_of(runner).c_str());
}

}  // namespace
}  // namespace maru::infer

int main(int argc, char** argv) {
  try {
    for (int i = 1; i < argc; ++i)
      for (const maru::Isa isa : maru::supported_isas())
        for (const maru::Dtype dtype : {maru::Dtype::kF32, maru::Dtype::kBf16}) maru::infer::print(argv[i], isa, dtype);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
