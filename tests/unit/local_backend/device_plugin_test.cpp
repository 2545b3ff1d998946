// What the runtime does with a device's plugin, and what it does when that goes wrong.
#include "local_backend/device_plugin.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include "events.h"
#include "fake_device.h"
#include "local_backend/api.h"
#include "local_backend/model.h"
#include "test_model.h"

namespace tollgate::local_backend {
namespace {

using test::ask;
using test::Events;
using test::FakeFault;
using ::testing::HasSubstr;
using Kind = GenerateEvent::Kind;

// The fault is the library's, and so of the whole process: a test that sets one takes it back.
class DevicePlugin : public ::testing::Test {
 protected:
  ~DevicePlugin() override { fault(FakeFault::none); }

  static void fault(FakeFault wanted) {
    void* library = ::dlopen(FAKE_DEVICE, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    reinterpret_cast<test::SetFakeFault>(::dlsym(library, "fake_device_fault"))(wanted);
  }
  EngineOptions options(Device device) const {
    return {.model_directory = files_.directory(), .device = device, .device_plugin = FAKE_DEVICE};
  }
  // Why `device: cuda` does not start.
  std::string refusal(const EngineOptions& options) const {
    try {
      (void)Engine::load(options);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "it starts";
  }

  const test::TestModel files_{{}};
};

TEST_F(DevicePlugin, ComputesTheAnswer) {
  const auto engine = Engine::load(options(Device::automatic));
  EXPECT_EQ(engine->facts().device, "Fake 1");
  EXPECT_EQ(engine->facts().why_cpu, "");
  Events events;
  const auto generation = engine->generate(ask("Hello", 3), events.sink());
  EXPECT_EQ(events.last().kind, Kind::finished);
  const Tokenizer tokenizer = read_tokenizer(files_.directory());
  std::string thrice;
  for (int i = 0; i < 3; ++i) thrice += tokenizer.bytes_of(test::kFakeToken);
  EXPECT_EQ(events.text(), thrice);
}

TEST_F(DevicePlugin, IsNotAskedWhereTheCpuIsWanted) {
  const auto engine = Engine::load(options(Device::cpu));
  EXPECT_EQ(engine->facts().device, "cpu");
  EXPECT_EQ(engine->facts().why_cpu, "");
}

TEST_F(DevicePlugin, ThatCannotBeUsedLeavesTheCpuAndSaysWhyOrDoesNotStart) {
  const std::pair<FakeFault, const char*> cases[] = {{FakeFault::another_version, "install both from the same build"},
                                                     {FakeFault::no_device, "no driver was found"},
                                                     {FakeFault::out_of_memory, "8 GiB are missing"}};
  for (const auto& [wrong, why] : cases) {
    fault(wrong);
    const auto engine = Engine::load(options(Device::automatic));
    EXPECT_EQ(engine->facts().device, "cpu");
    EXPECT_THAT(engine->facts().why_cpu, HasSubstr(why));
    Events events;
    const auto generation = engine->generate(ask("Hello", 3), events.sink());
    EXPECT_EQ(events.last().kind, Kind::finished);
    EXPECT_THAT(refusal(options(Device::cuda)), HasSubstr(why));
  }
}

TEST_F(DevicePlugin, ThatIsMissingOrNoPluginIsNamed) {
  EngineOptions other = options(Device::cuda);
  other.device_plugin = "/nonexistent/plugin.so";
  EXPECT_THAT(refusal(other), HasSubstr("there is no plugin"));
  other.device_plugin = files_.directory() + "/config.json";
  EXPECT_THAT(refusal(other), HasSubstr("cannot be loaded"));
}

TEST_F(DevicePlugin, ThatFailsEndsWhatRunsAndMakesTheModelUnhealthy) {
  const std::pair<FakeFault, const char*> cases[] = {{FakeFault::step_fails, "an illegal address was met"},
                                                     {FakeFault::not_a_number, "not finite"}};
  for (const auto& [wrong, why] : cases) {
    fault(FakeFault::none);
    const auto engine = Engine::load(options(Device::cuda));
    fault(wrong);
    Events events;
    const auto generation = engine->generate(ask("Hello", 3), events.sink());
    EXPECT_EQ(events.last().kind, Kind::failed);
    EXPECT_EQ(events.last().failure, FailureKind::internal);
    EXPECT_THAT(events.last().message, ::testing::Not(HasSubstr("address"))) << "callers see nothing of the inside";
    EXPECT_FALSE(engine->stats().healthy);
    EXPECT_THAT(engine->stats().problem, HasSubstr(why));
    fault(FakeFault::none);
    Events later;
    const auto refused = engine->generate(ask("Hello", 3), later.sink());
    EXPECT_EQ(later.last().kind, Kind::failed) << "what broke once is not used again";
  }
}

// The engine, the runner and the kernels together: prompts in pieces, steps of several sequences, a shared prefix.
TEST_F(DevicePlugin, ForCudaAnswersTheSameAloneAndInACrowd) {
#ifdef EMULATED_PLUGIN
  const auto answers = [this](int max_running) {
    EngineOptions emulated = options(Device::cuda);
    emulated.device_plugin = EMULATED_PLUGIN;
    emulated.max_running = max_running;
    emulated.kv_block_tokens = 4;
    const auto engine = Engine::load(emulated);
    std::vector<Events> events(3);
    std::vector<std::unique_ptr<Generation>> generations;
    for (std::size_t i = 0; i < events.size(); ++i)
      generations.push_back(engine->generate(ask("request " + std::to_string(i), 6, 1.0, 7), events[i].sink()));
    std::vector<std::string> texts;
    for (Events& one : events) {
      EXPECT_EQ(one.last().kind, Kind::finished);
      texts.push_back(one.text());
    }
    return texts;
  };
  EXPECT_EQ(answers(1), answers(3));
#else
  GTEST_SKIP() << "ThreadSanitizer does not know fibres";
#endif
}

TEST_F(DevicePlugin, ForCudaLoadsEverywhereAndSaysWhereThereIsNoDevice) {
#ifdef CUDA_PLUGIN
  const plugin::Plugin& cuda = load_device_plugin(CUDA_PLUGIN);
  try {
    EXPECT_STRNE(device_facts(cuda).name.bytes, "");
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no GPU can be used: "));
  }
#else
  GTEST_SKIP() << "there is no nvcc";
#endif
}

TEST_F(DevicePlugin, MakesNoEmbeddingsAndSaysSo) {
  const auto engine = Engine::load(options(Device::automatic));
  GenerateRequest request;
  request.task = Task::embed;
  request.input = "Hello";
  Events events;
  const auto generation = engine->generate(std::move(request), events.sink());
  EXPECT_EQ(events.last().failure, FailureKind::invalid_request);
  EXPECT_EQ(events.last().code, "unsupported_api");
}

}  // namespace
}  // namespace tollgate::local_backend
