#include "cli/sampling.h"

#include <cstdio>

#include "cli/usage.h"

namespace maru::cli {

void add_sampling(CLI::App* verb, pipeline::Sampling& s) {
  verb->add_option("--temperature", s.temperature, "0: always the likeliest token")->check(number_in(0, 100));
  verb->add_option("--top-p", s.top_p, "only tokens that make up this probability")->check(number_in(0, 1));
  verb->add_option("--top-k", s.top_k, "only the k likeliest tokens; 0: all")->check(whole_number_in(0, 1 << 22));
  verb->add_option("--max-tokens", s.max_tokens, "longest answer")->check(whole_number_in(1, 1 << 22));
  verb->add_option("--seed", s.seed, "same seed, same answer")->check(whole_number_in(0, int64_t{1} << 52));
  verb->add_option("--stop", s.stop, "the answer ends before this text");
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace maru::cli
