#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/resolver_keys.h"
#include "gateway/config/yaml.h"
#include "gateway/plugin/resolver.h"
#include "plugins/builtins.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::plugins {

class FakeResolverHost final : public plugin::ResolverHost {
 public:
  explicit FakeResolverHost(test::FakeLoop& loop) : loop_(loop) {}
  io::Loop loop() override { return loop_.io(); }
  tls::Scratch& scratch() override { return scratch_; }
  test::CaptureLog& log() override { return log_; }
  std::size_t loop_index() const override { return 0; }
  const std::string& route() const override { return route_; }
  void Post(Task task) override { posted.push_back(std::move(task)); }

  std::vector<Task> posted;

 private:
  test::FakeLoop& loop_;
  tls::Scratch scratch_;
  test::CaptureLog log_;
  const std::string route_ = "/r";
};

// One question and its answer.
class Asked final : private plugin::ReplyTarget {
 public:
  Asked(plugin::ResolverInstance& instance, std::string_view token) : reply_(*this) {
    const http::Request request{};
    look_up_ = instance.Resolve({.token = token,
                                 .client = "192.0.2.1",
                                 .host = "a.example",
                                 .path = "/r",
                                 .request = request},
                                reply_);
  }
  ~Asked() { reply_.Drop(); }

  // As the gateway does when the client goes away.
  void Cancel() {
    reply_.Drop();
    look_up_.reset();
  }
  // "found TARGET", "unknown", "failed WHY", or empty while there is none.
  std::string answer() const {
    if (!answer_) return {};
    switch (answer_->kind) {
      case plugin::ResolverAnswer::Kind::kFound:
        return "found " + answer_->target;
      case plugin::ResolverAnswer::Kind::kUnknown:
        return "unknown";
      case plugin::ResolverAnswer::Kind::kFailed:
        break;
    }
    return "failed " + answer_->why;
  }
  std::optional<io::Millis> fresh() const { return answer_->fresh; }

 private:
  void OnAnswer(plugin::ResolverAnswer answer) override { answer_ = std::move(answer); }

  plugin::Reply reply_;
  std::optional<plugin::ResolverAnswer> answer_;
  std::unique_ptr<io::Deletable> look_up_;
};

// Makes a resolver from its name and its options in YAML.
class ResolverPluginTest : public testing::Test {
 protected:
  ResolverPluginTest() { RegisterBuiltins(registry_); }

  void Start(const std::string& name, std::string_view options) {
    Make(name, options);
    ASSERT_TRUE(errors_.empty()) << Errors();
    instance_ = resolver_->Start(host_);
  }
  void Make(const std::string& name, std::string_view options) {
    errors_.clear();
    const auto parsed =
        config::ParseYaml(options, [](const char*) -> const char* { return nullptr; }, errors_);
    value_ = parsed.value();
    config::Field field(value_, "options", errors_);
    config::KnowResolverKeys(field);
    resolver_ = (*registry_.FindResolver(name))({field, folder_});
  }
  std::string Errors() const {
    std::string all;
    for (const auto& error : errors_) all += error.key + ": " + error.message + "\n";
    return all;
  }
  void Run() { loop_.RunUntilIdle(); }

  test::FakeLoop loop_;
  FakeResolverHost host_{loop_};
  plugin::Registry registry_;
  config::Value value_;
  std::filesystem::path folder_;
  std::vector<config::ConfigError> errors_;
  std::unique_ptr<plugin::Resolver> resolver_;
  std::unique_ptr<plugin::ResolverInstance> instance_;
};

}  // namespace upgate::plugins
