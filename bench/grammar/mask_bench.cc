// What a grammar costs an answer: how long it takes to compile, and each mask along random answers, cold (no automaton
// has met this vocabulary) and warm. One line per grammar; the machine's figures are in docs/structured-output.md.
// Usage: mask_bench TOKENIZER [ANSWERS]     (a tokenizer's file or directory)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "text/grammar/compile.h"
#include "text/grammar/grammar_matcher.h"
#include "text/grammar/token_trie.h"
#include "text/tokenizer/files/load_tokenizer.h"

namespace maru::text {
namespace {

using Clock = std::chrono::steady_clock;
using Made = std::shared_ptr<const Grammar>;

double microseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::micro>(Clock::now() - since).count();
}

constexpr const char* kInvoice = R"({"type":"object","properties":{
  "number":{"type":"string","pattern":"^INV-[0-9]{6}$"},"date":{"type":"string","format":"date"},
  "customer":{"type":"object","properties":{"name":{"type":"string","minLength":1,"maxLength":80},
    "email":{"type":"string","format":"email"},"vip":{"type":"boolean"}},"required":["name"],
    "additionalProperties":false},
  "lines":{"type":"array","minItems":1,"maxItems":20,"items":{"type":"object","properties":{
    "item":{"type":"string"},"quantity":{"type":"integer","minimum":1,"maximum":999},
    "price":{"type":"number","minimum":0},"unit":{"enum":["piece","kg","litre","hour"]}},
    "required":["item","quantity","price"],"additionalProperties":false}},
  "note":{"type":["string","null"]}},"required":["number","date","customer","lines"],"additionalProperties":false})";
constexpr const char* kTool = R"({"type":"object","properties":{"location":{"type":"string"},
  "unit":{"type":"string","enum":["celsius","fahrenheit"]},"days":{"type":"integer","minimum":1,"maximum":14}},
  "required":["location"]})";
constexpr const char* kTree = R"({"$defs":{"node":{"type":"object","properties":{"tag":{"enum":["div","span","button"]},
  "text":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["tag","text"],
  "additionalProperties":false}},"$ref":"#/$defs/node"})";
constexpr const char* kUnion = R"({"type":"array","items":{"anyOf":[
  {"type":"object","properties":{"kind":{"const":"person"},"name":{"type":"string"}},"required":["kind","name"]},
  {"type":"object","properties":{"kind":{"const":"place"},"lat":{"type":"number"},"lon":{"type":"number"}},
   "required":["kind"]},
  {"type":"string","maxLength":200}]}})";
constexpr const char* kArithmetic =
    "root ::= expr\nexpr ::= term ([-+] term)*\nterm ::= factor ([*/] factor)*\nfactor ::= [0-9]+ | [a-z]+ | \"(\" "
    "expr \")\"";

Json wide() {
  Json properties = Json::object();
  for (int i = 0; i < 200; ++i)
    properties["field_" + std::to_string(i)] = {{"type", i % 2 == 0 ? "string" : "integer"}};
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

Made of_schema(const Json& schema) { return compile_json_schema(JsonNode(schema, "schema")); }
Made of_schema(const char* schema) { return of_schema(Json::parse(schema)); }

Made tool_calls() {
  static const Json kSchema = Json::parse(kTool);
  StructuralTag tag;
  tag.triggers = {"<tool_call>"};
  tag.tags.push_back({"<tool_call>\n", JsonNode(kSchema, "schema"), "\n</tool_call>"});
  return compile_structural_tag(tag, "");
}

struct Case {
  const char* name;
  Made (*compile)();
};
const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"invoice", [] { return of_schema(kInvoice); }},
      {"tool arguments", [] { return of_schema(kTool); }},
      {"recursive tree", [] { return of_schema(kTree); }},
      {"union", [] { return of_schema(kUnion); }},
      {"200 optional members", [] { return of_schema(wide()); }},
      {"json_object", [] { return compile_json_object(); }},
      {"regex", [] { return compile_regex("[A-Z][a-z]+( [A-Z][a-z]+){1,3}, \\d{4}-\\d{2}-\\d{2}", ""); }},
      {"choice",
       [] {
         return compile_choice(std::vector<std::string>{"positive", "negative", "neutral"}, "");
       }},
      {"gbnf arithmetic", [] { return compile_gbnf(kArithmetic, ""); }},
      {"structural tag", tool_calls}};
  return kCases;
}

constexpr int kMaxSteps = 200;

// One answer, each token drawn from those allowed; ends now and then where it may.
void answer(const Made& grammar, const TokenTrie& tokens, int32_t end, Random& random, std::vector<double>& times) {
  GrammarMatcher matcher(grammar, tokens, {end});
  std::vector<uint32_t> mask(tokens.mask_words());
  std::vector<int32_t> allowed;
  for (int step = 0; step < kMaxSteps; ++step) {
    const auto start = Clock::now();
    matcher.fill_mask(mask);
    times.push_back(microseconds(start));
    if (matcher.is_over() || (matcher.may_end() && random.below(8) == 0)) return;
    allowed.clear();
    for (int32_t token = 0; token < tokens.num_ids(); ++token)
      if ((mask[static_cast<uint32_t>(token) / 32] >> (token % 32) & 1) != 0 && token != end) allowed.push_back(token);
    const std::string forced = matcher.forced();
    if (!forced.empty() && matcher.accept_text(forced)) continue;
    if (allowed.empty() || !matcher.accept(allowed[random.below(allowed.size())])) return;
  }
}

void report(const char* name, const char* state, std::vector<double>& times, double compile) {
  std::sort(times.begin(), times.end());
  double sum = 0;
  for (const double t : times) sum += t;
  const auto at = [&](double part) { return times[static_cast<size_t>(part * static_cast<double>(times.size() - 1))]; };
  std::printf("%-22s %-5s compile %9.1f us   masks %6zu   mean %8.1f   median %7.1f   p99 %9.1f   max %9.1f us\n", name,
              state, compile, times.size(), sum / static_cast<double>(times.size()), at(0.5), at(0.99), at(1));
}

int run(const char* path, int answers) {
  const Tokenizer tokenizer = load_tokenizer(path);
  const auto start = Clock::now();
  const TokenTrie built(tokenizer);
  std::printf("%lld token ids; the trie takes %.1f ms\n", static_cast<long long>(built.num_ids()),
              microseconds(start) / 1000);
  const int32_t end = tokenizer.eos().value_or(0);
  for (const Case& c : cases()) {
    const TokenTrie tokens(tokenizer);
    double compile = 1e99;
    Made grammar;
    for (int i = 0; i < 5; ++i) {
      const auto begin = Clock::now();
      grammar = c.compile();
      compile = std::min(compile, microseconds(begin));
    }
    for (const bool warm : {false, true}) {
      Random random(warm ? 2 : 1);
      std::vector<double> times;
      for (int i = 0; i < (warm ? answers : 1); ++i) answer(grammar, tokens, end, random, times);
      report(c.name, warm ? "warm" : "cold", times, compile);
    }
  }
  return 0;
}

}  // namespace
}  // namespace maru::text

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: mask_bench TOKENIZER [ANSWERS]\n");
    return 2;
  }
  return maru::text::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 50);
}
