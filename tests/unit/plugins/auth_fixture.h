#pragma once

#include <concepts>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/yaml.h"
#include "gateway/plugin/auth.h"
#include "plugins/builtins.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"

namespace upgate::plugins {

class FakeAuthHost final : public plugin::AuthHost {
 public:
  explicit FakeAuthHost(test::FakeLoop& loop) : loop_(loop) {}
  io::Loop loop() override { return loop_.io(); }
  tls::Scratch& scratch() override { return scratch_; }
  test::CaptureLog& log() override { return log_; }
  std::size_t loop_index() const override { return 0; }
  const std::string& name() const override { return name_; }
  void Post(Task task) override {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    wake_.notify_all();
  }
  // Waits for a task that another thread posts, and runs it.
  void RunPosted() {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !posted_.empty(); });
      task = std::move(posted_.front());
      posted_.erase(posted_.begin());
    }
    task();
  }

 private:
  test::FakeLoop& loop_;
  tls::Scratch scratch_;
  test::CaptureLog log_;
  const std::string name_ = "staff";
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> posted_;
};

// One check and its answer.
class Checked final : private plugin::AuthTarget {
 public:
  Checked(plugin::AuthInstance& instance, std::string_view credential,
          const http::Request& request = {}, std::string_view client = "192.0.2.1",
          const io::TlsInfo* tls = nullptr)
      : reply_(*this) {
    check_ = instance.Check({.credential = credential,
                             .client = client,
                             .scheme = "https",
                             .host = "a.example",
                             .request = request,
                             .tls = tls},
                            reply_);
  }
  // Of whatever `ask` asks.
  template <class Ask>
    requires std::invocable<Ask, plugin::AuthReply>
  explicit Checked(Ask&& ask) : reply_(*this) {
    check_ = ask(reply_);  // NOLINT(cppcoreguidelines-prefer-member-initializer)
  }
  ~Checked() { reply_.Drop(); }

  bool done() const { return answer_.has_value(); }
  // "let in NAME", "wrong 401" and so on, or empty while there is none.
  std::string answer() const {
    if (!answer_) return {};
    if (answer_->identity) return "let in " + answer_->identity->user;
    return std::string(stats::kAuthOutcomeNames[static_cast<std::size_t>(answer_->reason)]) + " " +
           std::to_string(answer_->response.status);
  }
  const plugin::AuthAnswer& whole() const { return *answer_; }
  // As the gateway does when the client goes away.
  void Cancel() {
    reply_.Drop();
    check_.reset();
  }

 private:
  void OnAnswer(plugin::AuthAnswer answer) override { answer_ = std::move(answer); }

  plugin::AuthReply reply_;
  std::optional<plugin::AuthAnswer> answer_;
  std::unique_ptr<io::Deletable> check_;
};

// Makes an authenticator from its kind and its options in YAML.
class AuthPluginTest : public testing::Test {
 protected:
  AuthPluginTest() { RegisterBuiltins(registry_); }

  void Start(const std::string& kind, std::string_view options) {
    Make(kind, options);
    ASSERT_TRUE(errors_.empty()) << Errors();
    ASSERT_TRUE(check_);
    instance_ = check_->Start(host_);
  }
  void Make(const std::string& kind, std::string_view options) {
    instance_.reset();
    check_.reset();
    errors_.clear();
    const auto parsed =
        config::ParseYaml(options, [](const char*) -> const char* { return nullptr; }, errors_);
    value_ = parsed.value();
    check_ = (*registry_.FindAuth(kind))({config::Field(value_, kind, errors_), folder_});
  }
  std::string Errors() const {
    std::string all;
    for (const auto& error : errors_) all += error.key + ": " + error.message + "\n";
    return all;
  }

  test::FakeLoop loop_;
  FakeAuthHost host_{loop_};
  plugin::Registry registry_;
  config::Value value_;
  std::filesystem::path folder_;
  std::vector<config::ConfigError> errors_;
  std::unique_ptr<plugin::AuthCheck> check_;
  std::unique_ptr<plugin::AuthInstance> instance_;
};

inline http::Request RequestWith(std::initializer_list<http::Header> headers,
                                 std::string_view query = {}) {
  http::Request request{};
  request.method = "GET";
  for (const http::Header& header : headers) request.headers.Add(header.name, header.value);
  request.target.query = query;
  request.target.has_query = !query.empty();
  return request;
}

}  // namespace upgate::plugins
