#include "api/vllm_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace maru::api {
namespace {

TEST(VllmMetrics, HaveVllmsNamesLabelsAndBuckets) {
  prometheus::Registry registry;
  VllmMetrics metrics(registry, "tiny");
  metrics.first_token(0.03);
  metrics.next_token(0.06);
  metrics.step(100);
  const infer::ChoiceTimes::Clock::time_point begin{std::chrono::seconds(100)};
  infer::EndedChoice ended{.prompt_tokens = 7, .generated_tokens = 3, .max_tokens = 9};
  ended.times = {.submitted = begin,
                 .started = begin + std::chrono::seconds(1),
                 .first_token = begin + std::chrono::seconds(3),
                 .ended = begin + std::chrono::seconds(7)};
  metrics.ended(ended);
  ended.times.started = ended.times.first_token = {};  // nothing was to be computed
  ended.finish = infer::FinishReason::kLength;
  metrics.ended(ended);
  infer::EngineStats stats;
  stats.running = 2;
  stats.waiting = 3;
  stats.pages = 8;
  stats.pages_used = 2;
  stats.prompt_tokens = 50;
  stats.reused_tokens = 20;
  stats.generated_tokens = 7;
  stats.preemptions = 1;
  metrics.set(stats);
  stats.generated_tokens = 9;
  metrics.set(stats);
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  const std::string labels = R"({engine="0",model_name="tiny"})";
  for (const std::string& line :
       {"vllm:num_requests_running" + labels + " 2",
        "vllm:num_requests_waiting" + labels + " 3",
        "vllm:kv_cache_usage_perc" + labels + " 0.25",
        "vllm:gpu_cache_usage_perc" + labels + " 0.25",
        "vllm:prefix_cache_queries_total" + labels + " 50",
        "vllm:prefix_cache_hits_total" + labels + " 20",
        "vllm:num_preemptions_total" + labels + " 1",
        "vllm:prompt_tokens_total" + labels + " 50",
        "vllm:generation_tokens_total" + labels + " 9",
        std::string(R"(vllm:time_to_first_token_seconds_bucket{engine="0",model_name="tiny",le="0.02"} 0)"),
        std::string(R"(vllm:time_to_first_token_seconds_bucket{engine="0",model_name="tiny",le="0.04"} 1)"),
        std::string(R"(vllm:time_to_first_token_seconds_bucket{engine="0",model_name="tiny",le="2560"} 1)"),
        std::string(R"(vllm:time_per_output_token_seconds_bucket{engine="0",model_name="tiny",le="0.075"} 1)"),
        std::string(R"(vllm:inter_token_latency_seconds_bucket{engine="0",model_name="tiny",le="0.05"} 0)"),
        std::string(R"(vllm:iteration_tokens_total_bucket{engine="0",model_name="tiny",le="128"} 1)"),
        "vllm:iteration_tokens_total_sum" + labels + " 100",
        "vllm:e2e_request_latency_seconds_sum" + labels + " 14",
        "vllm:request_queue_time_seconds_sum" + labels + " 1",
        "vllm:request_prefill_time_seconds_sum" + labels + " 2",
        "vllm:request_decode_time_seconds_sum" + labels + " 4",
        "vllm:request_inference_time_seconds_sum" + labels + " 6",
        "vllm:request_prompt_tokens_sum" + labels + " 14",
        "vllm:request_generation_tokens_sum" + labels + " 6",
        "vllm:request_max_num_generation_tokens_sum" + labels + " 6",
        "vllm:request_params_max_tokens_sum" + labels + " 18",
        std::string(R"(vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="tiny",le="5"} 0)"),
        std::string(R"(vllm:request_success_total{engine="0",finished_reason="stop",model_name="tiny"} 1)"),
        std::string(R"(vllm:request_success_total{engine="0",finished_reason="length",model_name="tiny"} 1)")})
    EXPECT_NE(std::string::npos, text.find(line + "\n")) << line << "\n" << text;
}

}  // namespace
}  // namespace maru::api
