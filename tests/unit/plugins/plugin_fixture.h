#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/yaml.h"
#include "gateway/plugin/service.h"
#include "plugins/builtins.h"
#include "tests/support/fake_loop.h"

namespace upgate::plugins {

using plugin::MessageKind;

class FakeStats final : public plugin::StatsSource {
 public:
  Text StatsJson() const override {
    return std::make_shared<const std::string>("{\"reading\":" + std::to_string(++readings) + "}");
  }
  Text StatsPrometheus() const override {
    return std::make_shared<const std::string>("upgate_x 1\n");
  }
  mutable int readings = 0;
};

// A host with its own loop; tasks for other loops are collected in `posted`.
class FakeHost final : public plugin::Host {
 public:
  explicit FakeHost(test::FakeLoop& loop, std::size_t index = 0, std::size_t count = 1)
      : loop_(loop), index_(index), count_(count) {}

  const plugin::StatsSource& stats() const override { return source; }
  io::Loop loop() override { return loop_.io(); }
  std::size_t loop_index() const override { return index_; }
  std::size_t loops() const override { return count_; }
  void Post(std::size_t to, Task task) override { posted.emplace_back(to, std::move(task)); }

  FakeStats source;
  std::vector<std::pair<std::size_t, Task>> posted;

 private:
  test::FakeLoop& loop_;
  std::size_t index_;
  std::size_t count_;
};

// Keeps what a service sends.
class FakeSocket final : public plugin::Socket {
 public:
  explicit FakeSocket(std::string path = "/") { request_.target.path = std::move(path); }

  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return IpPort{}; }
  std::string_view subprotocol() const override { return {}; }
  void Send(MessageKind kind, Bytes payload) override {
    sent.emplace_back(kind, std::string(AsText(payload)));
  }
  void Send(const plugin::Message& message) override { Send(message.kind(), message.payload()); }
  bool congested() const override { return full; }
  void SetReading(bool on) override { reading = on; }
  void Close(std::uint16_t code, std::string_view) override { closed = code; }

  std::vector<std::pair<MessageKind, std::string>> sent;
  std::optional<std::uint16_t> closed;
  bool full = false;
  bool reading = true;

 private:
  http::Request request_;
};

// Records one response, complete or in pieces.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(std::string method, std::string path, std::string query = {}) {
    request_.method = std::move(method);
    request_.target.path = path;
    request_.target.raw_path = std::move(path);
    request_.target.query = std::move(query);
    request_.target.has_query = !request_.target.query.empty();
  }
  http::Request& editable_request() override { return request_; }

  const http::Request& request() const override { return request_; }
  SocketAddress client_address() const override { return IpPort{}; }
  const io::TlsInfo* tls() const override { return nullptr; }
  void SetAnswerHeaders(http::Headers) override {}
  void SetAnswerChanges(http::FieldChanges) override {}
  void SetOwnFields(http::Headers) override {}
  void Respond(http::Response answer) override {
    EXPECT_FALSE(response) << "answered twice";
    response = std::move(answer);
    ended = true;
  }
  void SendHead(const http::Response& head, http::BodyLength body_length) override {
    EXPECT_FALSE(response) << "answered twice";
    response = head;
    length = body_length.bytes;
  }
  void SendBody(Bytes bytes) override {
    EXPECT_TRUE(response && !ended) << "unexpected body data";
    Append(response->body, bytes);
  }
  void EndBody(const http::Headers&) override {
    EXPECT_FALSE(ended) << "ended twice";
    ended = true;
  }
  bool congested() const override { return full; }
  void SetBodyReading(bool) override {}
  void Abort() override { aborted = true; }
  http::Upgraded Upgrade(const http::Response&) override {
    ADD_FAILURE() << "Upgrade";
    return {};
  }

  std::optional<http::Response> response;  // its body is the data that was sent
  std::optional<std::uint64_t> length;     // from SendHead
  bool ended = false;
  bool aborted = false;
  bool full = false;

 private:
  http::Request request_;
};

inline void Deliver(plugin::SocketHandler& handler, MessageKind kind, std::string payload) {
  handler.OnMessage(kind, std::as_writable_bytes(std::span(payload)));
  payload.assign(payload.size(), '#');  // the bytes are invalid after the call
}

inline std::string ValueOf(const http::Response& response, std::string_view name) {
  const std::string* value = response.headers.Find(name);
  return value == nullptr ? "(none)" : *value;
}

// Creates a service from its name and its options in YAML.
class PluginsTest : public testing::Test {
 protected:
  PluginsTest() { RegisterBuiltins(registry_); }

  // nullptr if there were errors.
  std::unique_ptr<plugin::Service> Make(const std::string& name, std::string_view options = "{}") {
    const auto parsed =
        config::ParseYaml(options, [](const char*) -> const char* { return nullptr; }, errors_);
    route_.options = parsed.value();
    const plugin::ServiceFactory* factory = registry_.FindService(name);
    if (factory == nullptr) return nullptr;
    auto service = (*factory)(
        {route_.path, route_.limits, config::Field(route_.options, "options", errors_), folder_});
    return errors_.empty() ? std::move(service) : nullptr;
  }
  std::unique_ptr<plugin::Instance> Start(const std::string& name,
                                          std::string_view options = "{}") {
    service_ = Make(name, options);
    return service_ ? service_->Start(host_) : nullptr;
  }
  std::string Errors() const {
    std::string all;
    for (const auto& error : errors_) all += error.key + ": " + error.message + "\n";
    return all;
  }

  test::FakeLoop loop_;
  FakeHost host_{loop_};
  plugin::Registry registry_;
  config::Route route_;
  std::filesystem::path folder_;  // the base of relative paths in options
  std::unique_ptr<plugin::Service> service_;
  std::vector<config::ConfigError> errors_;
};

}  // namespace upgate::plugins
