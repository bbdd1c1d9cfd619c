#include "serving/adapter_folder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "serving/test_models.h"
#include "tensor/cpu_device.h"

namespace maru::serving {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class AdapterFolderTest : public testing::Test {
 protected:
  static constexpr double kOften = 0.02;
  const fs::path root_ = fs::temp_directory_path() / ("maru_adapter_folder_" + std::to_string(::getpid()));
  const fs::path folder_ = root_ / "peft";
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
  ModelHost host_{{.max_running = 2, .cache_bytes = 1 << 20}};
  std::mutex mutex_;
  std::vector<std::string> warnings_;

  void SetUp() override {
    write_test_model(root_ / "m", 1);
    host_.load({root_ / "m", ""}, device_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(root_); }
  AdapterFolder::Warn warn() {
    return [this](const std::string& warning) {
      std::lock_guard lock(mutex_);
      warnings_.push_back(warning);
    };
  }
  std::vector<std::string> warnings() {
    std::lock_guard lock(mutex_);
    return warnings_;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> ids;
    for (const ServedName& name : host_.names())
      if (!name.parent.empty()) ids.push_back(name.id);
    return ids;
  }
  static bool soon(const std::function<bool()>& holds) {
    for (int i = 0; i < 500; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

TEST_F(AdapterFolderTest, ServesWhatIsThere) {
  write_served_adapter(folder_ / "law", 1);
  write_served_adapter(folder_ / "한국어", 2);
  write_served_adapter(root_ / "elsewhere", 3);
  fs::create_directory_symlink(root_ / "elsewhere", folder_ / "link");
  fs::create_directories(folder_ / "empty");
  write_file(folder_ / "notes.txt", "mine");
  const AdapterFolder folder(folder_, 0, host_, device_, warn());
  EXPECT_THAT(names(), UnorderedElementsAre("law", "한국어", "link"));
  EXPECT_TRUE(warnings().empty());
  EXPECT_THROW(AdapterFolder(root_ / "nowhere", 0, host_, device_, warn()), Failure);
}

TEST_F(AdapterFolderTest, OneThatCannotBeUsedDoesNotKeepOthersAway) {
  write_served_adapter(folder_ / "a", 1);
  for (const char* name : {"broken", "half"}) fs::create_directories(folder_ / name);
  write_file(folder_ / "broken" / "adapter_config.json", "{");
  write_served_adapter(folder_ / "cut", 2);
  fs::resize_file(folder_ / "cut" / "adapter_model.safetensors", 40);
  write_served_adapter(folder_ / "m", 3);  // as the model is called
  write_served_adapter(folder_ / "bad\xff", 4);
  write_file(folder_ / "half" / "adapter_config.json", R"({"peft_type": "LORA", "r": 3, "lora_alpha": 6})");
  const AdapterFolder folder(folder_, kOften, host_, device_, warn());
  EXPECT_THAT(names(), ElementsAre("a"));
  EXPECT_EQ(5u, warnings().size());
  EXPECT_THAT(warnings(), Contains(HasSubstr("\"m\" is not served: two models are called")));
  EXPECT_THAT(warnings(), Contains(HasSubstr("UTF-8")));
  write_served_adapter(folder_ / "half", 5);
  EXPECT_TRUE(soon([&] { return names().size() == 2; })) << "it is whole now";
  EXPECT_EQ(5u, warnings().size()) << "each is warned of once";
}

TEST_F(AdapterFolderTest, FollowsWhatComesChangesAndGoes) {
  write_served_adapter(folder_ / "a", 1);
  const AdapterFolder folder(folder_, kOften, host_, device_, warn());
  write_served_adapter(folder_ / "b", 2);
  ASSERT_TRUE(soon([&] { return names().size() == 2; }));
  const auto before = host_.find("a")->adapter();
  write_served_adapter(root_ / "other", 9);
  fs::remove_all(folder_ / "a");
  fs::rename(root_ / "other", folder_ / "a");
  ASSERT_TRUE(soon([&] { return host_.find("a") != nullptr && host_.find("a")->adapter() != before; }));
  fs::remove_all(folder_ / "b");
  EXPECT_TRUE(soon([&] { return names().size() == 1; }));
  EXPECT_TRUE(warnings().empty());
}

TEST_F(AdapterFolderTest, ACopyUnderWayIsNotRead) {
  AdapterFolder folder(folder_, 0, host_, device_, warn());
  write_served_adapter(root_ / "whole", 1);
  const std::string weights = read_file(root_ / "whole" / "adapter_model.safetensors");
  fs::create_directories(folder_ / "a");
  fs::copy(root_ / "whole" / "adapter_config.json", folder_ / "a" / "adapter_config.json");
  for (size_t size = 0; size < weights.size(); size += weights.size() / 4) {
    write_file(folder_ / "a" / "adapter_model.safetensors", weights.substr(0, size));
    folder.look();
  }
  write_file(folder_ / "a" / "adapter_model.safetensors", weights);
  folder.look();
  EXPECT_TRUE(names().empty());
  folder.look();
  EXPECT_THAT(names(), ElementsAre("a"));
  EXPECT_TRUE(warnings().empty());
}

TEST_F(AdapterFolderTest, AChangeThatIsBrokenLeavesWhatAnswers) {
  write_served_adapter(folder_ / "a", 1);
  const AdapterFolder folder(folder_, kOften, host_, device_, warn());
  const auto before = host_.find("a")->adapter();
  write_file(folder_ / "a" / "adapter_config.json", R"({"peft_type": "NOTHING"})");
  ASSERT_TRUE(soon([&] { return warnings().size() == 1; }));
  EXPECT_THAT(warnings()[0], HasSubstr("\"a\" stays as it was"));
  EXPECT_EQ(before, host_.find("a")->adapter());
}

TEST_F(AdapterFolderTest, ALostFolderTakesNothingAway) {
  write_served_adapter(folder_ / "a", 1);
  const AdapterFolder folder(folder_, kOften, host_, device_, warn());
  fs::rename(folder_, root_ / "gone");
  ASSERT_TRUE(soon([&] { return !warnings().empty(); }));
  EXPECT_THAT(warnings()[0], HasSubstr("cannot be listed"));
  EXPECT_THAT(names(), ElementsAre("a"));
}

}  // namespace
}  // namespace maru::serving
