// What the tokenizer's reference test and benchmark run: the C++ side of comparisons with `tokenizers` and
// `transformers`. Texts come as JSON strings, one per line; answers are JSON, one per line.
//
//   text_tool ids TOKENIZER LINES             token ids of each line
//   text_tool full TOKENIZER LINES            ids with special tokens, and without; both decoded, at once and token by
//                                             token, with and without special tokens
//   text_tool pairs TOKENIZER LINES           lines are [first, second]: ids and types
//   text_tool decode TOKENIZER LINES          lines are lists of ids: their text, at once and token by token
//   text_tool normalize TOKENIZER LINES       the normalised text of each line
//   text_tool split PATTERN LINES             byte lengths of the pieces of each line
//   text_tool chat TOKENIZER LINES            lines are chats with their options: rendered text, ids and mask
//   text_tool rewrite TOKENIZER OUT           reads a tokenizer and writes it again
//   text_tool train OUT VOCAB THREADS PATTERN FILE…   trains; writes the directory OUT; PATTERN "" is Maru's own
//   text_tool bench TOKENIZER LINES ROUNDS    best seconds to encode all lines on one thread
#include <time.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include "base/byte_source.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/chat/chat_template.h"
#include "text/chat/tokenizer_directory.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/stream_decoder.h"
#include "text/tokenizer/train/bpe_trainer.h"

namespace {

using namespace maru::text;
using maru::Json;
using Arguments = std::vector<std::string>;

std::vector<Json> read_lines(const std::string& path) {
  std::vector<Json> lines;
  maru::LineReader reader(path);
  while (const auto line = reader.next()) lines.push_back(maru::parse_json(*line, path).value());
  return lines;
}

void ids(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  TokenEncoder encoder(tokenizer);
  for (const Json& line : read_lines(a.at(1)))
    std::cout << Json(encoder.encode(line.get_ref<const std::string&>())).dump() << "\n";
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip_special) {
  StreamDecoder decoder(tokenizer, skip_special);
  std::string text;
  for (const int32_t id : ids) {
    const std::string part = decoder.push(id);
    if (!maru::is_valid_utf8(part)) throw maru::Failure(maru::ErrorCode::kInternal, "a broken character came out");
    text += part;
  }
  return text + decoder.flush();
}

Json decoded(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  Json all = Json::object();
  for (const bool skip : {false, true}) {
    const std::string text = maru::replace_invalid_utf8(tokenizer.decode(ids, skip));
    all[skip ? "text_skipped" : "text"] = text;
    all[skip ? "stream_skipped_equal" : "stream_equal"] = streamed(tokenizer, ids, skip) == text;
  }
  return all;
}

void full(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  TokenEncoder encoder(tokenizer);
  for (const Json& line : read_lines(a.at(1))) {
    const std::string& text = line.get_ref<const std::string&>();
    const std::vector<int32_t> ids = encoder.encode(text, {.add_special_tokens = true});
    Json answer = decoded(tokenizer, ids);
    answer["ids"] = ids;
    answer["plain"] = encoder.encode(text);
    std::cout << answer.dump() << "\n";
  }
}

void pairs(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  for (const Json& line : read_lines(a.at(1))) {
    const Encoding encoding =
        tokenizer.encode_pair(line[0].get_ref<const std::string&>(), line[1].get_ref<const std::string&>());
    std::cout << Json{{"ids", encoding.ids}, {"type_ids", encoding.type_ids}}.dump() << "\n";
  }
}

void decode(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  for (const Json& line : read_lines(a.at(1)))
    std::cout << decoded(tokenizer, line.get<std::vector<int32_t>>()).dump() << "\n";
}

void normalize(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  for (const Json& line : read_lines(a.at(1)))
    std::cout << Json(tokenizer.normalizer()(line.get_ref<const std::string&>())).dump() << "\n";
}

void split(const Arguments& a) {
  const PreTokenizer pre_tokenizer = PreTokenizer::create({a.at(0)}, "pattern").value();
  for (const Json& line : read_lines(a.at(1))) {
    Json lengths = Json::array();
    pre_tokenizer.split(line.get_ref<const std::string&>(), [&](std::string_view p) { lengths.push_back(p.size()); });
    std::cout << lengths.dump() << "\n";
  }
}

const Json* optional_field(const Json& line, const char* name) { return line.contains(name) ? &line[name] : nullptr; }

Json rendered(const Tokenizer& tokenizer, const ChatTemplate& chat_template, const Json& line) {
  const RenderedChat chat =
      chat_template.render(line["messages"], {.tools = optional_field(line, "tools"),
                                              .documents = optional_field(line, "documents"),
                                              .variables = optional_field(line, "variables"),
                                              .add_generation_prompt = line.value("add_generation_prompt", false),
                                              .continue_field = line.value("continue_field", ""),
                                              .mark_learned = line.value("mark_learned", true)});
  Json segments = Json::array();
  for (const ChatSegment& s : chat.segments)
    segments.push_back({{"text", s.text}, {"own", s.own}, {"learned", s.learned}});
  const EncodedChat encoded = encode_chat(tokenizer, chat);
  return {{"text", chat.text()}, {"segments", segments}, {"ids", encoded.ids}, {"learned", encoded.learned}};
}

void chat(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  const auto chat_template = ChatTemplate::load(a.at(0), tokenizer);
  for (const Json& line : read_lines(a.at(1))) {
    Json answer;
    try {
      answer = rendered(tokenizer, chat_template.value(), line);
    } catch (const maru::Failure& failure) {
      answer = {{"error", failure.what()}};
    }
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  }
}

void rewrite(const Arguments& a) { maru::write_file(a.at(1), write_tokenizer_json(load_tokenizer(a.at(0)).spec())); }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Processor time of the whole process.
double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Not getrusage: its peak includes the parent's at the time of the fork.
int64_t peak_kib() {
  maru::LineReader status("/proc/self/status");
  while (const auto line = status.next())
    if (line->starts_with("VmHWM:")) return std::stoll(std::string(line->substr(6)));
  return 0;
}

void train(const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  const BpeTrainerConfig config{.vocab_size = std::stoll(a.at(1)), .pattern = a.at(3)};
  maru::ThreadPool pool(std::stoi(a.at(2)));
  const TrainedTokenizer trained = train_tokenizer({a.begin() + 4, a.end()}, config, pool);
  Json report = maru::to_json(trained.report);
  report["seconds"] = seconds_since(start);
  report["cpu_seconds"] = cpu_seconds();
  report["peak_kib"] = peak_kib();
  write_tokenizer_files(a.at(0), trained.tokenizer, {.model_max_length = 2048});
  std::cout << report << "\n";
}

void bench(const Arguments& a) {
  const Tokenizer tokenizer = load_tokenizer(a.at(0));
  std::vector<std::string> texts;
  int64_t bytes = 0;
  for (const Json& line : read_lines(a.at(1))) bytes += static_cast<int64_t>(texts.emplace_back(line).size());
  double best = 1e30, best_cpu = 1e30;
  size_t tokens = 0;
  for (int round = 0; round < std::stoi(a.at(2)); ++round) {
    TokenEncoder encoder(tokenizer);
    std::vector<int32_t> out;
    tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    for (const std::string& text : texts) {
      out.clear();
      encoder.encode(text, {}, out);
      tokens += out.size();
    }
    best = std::min(best, seconds_since(start));
    best_cpu = std::min(best_cpu, cpu_seconds() - cpu);
  }
  std::cout << Json{{"seconds", best},
                    {"cpu_seconds", best_cpu},
                    {"bytes", bytes},
                    {"tokens", tokens},
                    {"peak_kib", peak_kib()}}
            << "\n";
}

int run(const std::string& mode, const Arguments& arguments) {
  const std::vector<std::pair<std::string, void (*)(const Arguments&)>> modes{
      {"ids", ids},     {"full", full}, {"pairs", pairs},     {"decode", decode}, {"normalize", normalize},
      {"split", split}, {"chat", chat}, {"rewrite", rewrite}, {"train", train},   {"bench", bench}};
  for (const auto& [name, f] : modes)
    if (name == mode) return f(arguments), 0;
  std::cerr << "text_tool: unknown mode " << mode << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : "", {argv + std::min(argc, 2), argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "text_tool: " << e.what() << "\n";
    return 1;
  }
}
