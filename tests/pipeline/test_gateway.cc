#include "tests/pipeline/test_gateway.h"

#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "gateway/app/options.h"
#include "gateway/config/parse.h"
#include "plugins/builtins.h"

namespace upgate::test {
namespace {

// Throwing out of a constructor ends the test with the message; nothing below could go on.
std::shared_ptr<const config::Config> MustParse(std::string_view yaml) {
  std::string text(yaml);
  if (text.find("listeners:") == std::string::npos) text = "listeners: [{address: \"127.0.0.1:80\"}]\n" + text;
  auto config = config::Parse(text, "test.yaml", [](const char*) -> const char* { return nullptr; });
  if (config) return *config;
  std::string errors;
  for (const auto& error : config.error()) errors += config::ToString("test.yaml", error) + "\n";
  throw std::runtime_error(errors);
}

}  // namespace

GatewayClient::GatewayClient(FakeLoop& loop, const SocketAddress& to, std::optional<SocketAddress> from)
    : loop_(loop), peer_(loop.network(), to, std::move(from)) {}

void GatewayClient::Send(std::string_view bytes) {
  peer_.Send(bytes);
  loop_.RunUntilIdle();
}

ResponseHead GatewayClient::Upgrade(std::string_view target, std::string_view extra) {
  Send(UpgradeRequest(target, "gateway.test", extra));
  return Head();
}

ResponseHead GatewayClient::Head() {
  bytes_ += peer_.TakeReceived();
  return TakeResponseHead(bytes_).value_or(ResponseHead{});
}

std::string GatewayClient::Body(const ResponseHead& head) {
  bytes_ += peer_.TakeReceived();
  return TakeBody(head, bytes_).value_or("");
}

std::vector<ParsedFrame> GatewayClient::Frames() {
  bytes_ += peer_.TakeReceived();
  return TakeFrames(bytes_);
}

std::uint16_t GatewayClient::ReceivedClose() {
  std::uint16_t code = 0;
  for (const ParsedFrame& frame : Frames()) {
    if (frame.opcode == kClose) code = frame.close_code().value_or(1005);
  }
  return code;
}

TestGateway::TestGateway(std::string_view yaml, MemoryNetwork::Options options) {
  loop_.network().options() = options;
  plugins::RegisterBuiltins(plugins_);
  auto runtime = app::Prepare(MustParse(yaml), plugins_, host_);
  if (!runtime) throw std::runtime_error(config::ToString("test.yaml", runtime.error().front()));
  runtime_ = std::move(*runtime);
  const config::Config& config = *runtime_.config;
  stats_ = std::make_unique<stats::Registry>(app::NamesOf(config), 1);
  host_.stats = stats_.get();
  counts_ = std::make_unique<session::SharedCounts>(config.routes.size());
  shared_ = std::make_unique<session::Shared>(
      runtime_.config, *runtime_.router, plugins_, host_, runtime_.client_tls, *counts_, log_);
  options_ = app::HttpOptions(config);
  gateway_ = std::make_unique<session::Gateway>(*shared_, loop_.io(), scratch_, stats_->loop(0), 0, 1);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    fronts_.push_back(std::make_unique<session::Front>(loop_.io(), options_, runtime_.server_tls[i].get(), scratch_,
                                                       gateway_->ForListener(i), stats_->loop(0).listener[i]));
    addresses_.push_back(Address(config.listeners[i].address.ToString()));
    const auto bound = fronts_.back()->Listen(addresses_.back(), {});
    if (!bound) throw std::runtime_error(bound.error().message);
  }
}

TestGateway::~TestGateway() {
  for (auto& front : fronts_) front->Abandon();
  gateway_->Abandon();
  loop_.RunUntilIdle();
}

GatewayClient TestGateway::Connect(std::size_t listener, std::optional<SocketAddress> from) {
  return GatewayClient(loop_, addresses_[listener], std::move(from));
}

}  // namespace upgate::test
