// The forward authenticator: whatever the service answers, in whatever pieces, there is exactly one
// answer for the gateway, and only a 2xx lets a client in. Input: a byte that cuts the answer in
// pieces, and the answer.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/text.h"
#include "gateway/config/yaml.h"
#include "gateway/plugin/auth.h"
#include "plugins/forward/forward.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::plugins::forward_fuzz {
namespace {

using fuzz::Require;

class Host final : public plugin::AuthHost {
 public:
  explicit Host(test::FakeLoop& loop) : loop_(loop) {}
  io::Loop loop() override { return loop_.io(); }
  tls::Scratch& scratch() override { return scratch_; }
  Log& log() override { return log_; }
  std::size_t loop_index() const override { return 0; }
  const std::string& name() const override { return name_; }
  void Post(Task) override {}

 private:
  test::FakeLoop& loop_;
  tls::Scratch scratch_;
  test::CaptureLog log_;
  const std::string name_ = "id";
};

// As the gateway is.
class Client final : private plugin::AuthTarget {
 public:
  explicit Client(test::FakeLoop& loop) : loop_(loop), reply_(*this) {}
  void Ask(plugin::AuthInstance& instance, const http::Request& request) {
    asking_ = instance.Check({.credential = "",
                              .client = "192.0.2.1",
                              .scheme = "https",
                              .host = "a.example",
                              .request = request},
                             reply_);
  }
  int answers() const { return answers_; }
  bool let_in() const { return let_in_; }

 private:
  void OnAnswer(plugin::AuthAnswer answer) override {
    ++answers_;
    let_in_ = answer.identity != nullptr;
    if (let_in_) {
      Require(std::ranges::none_of(answer.identity->user, IsControl));
      for (const http::Header& field : answer.to_server) Require(field.name == "X-Email");
    } else {
      Require(answer.response.status >= 300);
      Require(!answer.response.headers.HasToken("transfer-encoding", "chunked"));
      Require(answer.response.headers.Find("content-length") == nullptr);
    }
    if (asking_) loop_.io().turn.DeferDelete(std::move(asking_));
  }

  test::FakeLoop& loop_;
  plugin::AuthReply reply_;
  std::unique_ptr<io::Deletable> asking_;
  int answers_ = 0;
  bool let_in_ = false;
};

const config::Value& Options() {
  static const config::Value options = [] {
    std::vector<config::ConfigError> errors;
    return config::ParseYaml(
               "{ url: \"http://127.0.0.1:9000/\", set: [ X-Email ], user_header: X-User, "
               "cache: 1m, recheck: 1m }",
               [](const char*) -> const char* { return nullptr; }, errors)
        .value();
  }();
  return options;
}

void RunOne(std::uint8_t seed, std::string_view wire) {
  test::FakeLoop loop;
  Host host(loop);
  std::vector<config::ConfigError> errors;
  const auto check = MakeForwardAuth({config::Field(Options(), "forward", errors), {}});
  auto instance = check->Start(host);
  test::TestServer server(loop.network(), test::Address("127.0.0.1:9000"));
  http::Request request{};
  request.method = "GET";
  request.target.raw_path = "/";
  Client client(loop);
  client.Ask(*instance, request);
  loop.RunUntilIdle();
  const bool is_2xx = wire.starts_with("HTTP/1.1 2") || wire.starts_with("HTTP/1.0 2");
  const bool has_interim = wire.contains("HTTP/1.1 1") || wire.contains("HTTP/1.0 1");
  fuzz::Cuts cuts(seed);
  for (std::string_view rest = wire; !rest.empty() && !server[0].done();) {
    server[0].Send(cuts.TakeFrom(rest));
    loop.RunUntilIdle();
  }
  server[0].Close();
  loop.RunUntilIdle();
  Require(client.answers() == 1);
  Require(!client.let_in() || is_2xx || has_interim);
  instance.reset();
  loop.RunUntilIdle();
}

}  // namespace
}  // namespace upgate::plugins::forward_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t seed = input.Byte();
  upgate::plugins::forward_fuzz::RunOne(seed, input.Rest());
  return 0;
}
