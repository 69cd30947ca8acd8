#include "tests/pipeline/test_gateway.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "gateway/app/memory_limit.h"
#include "gateway/app/options.h"
#include "gateway/config/parse.h"

namespace upgate::test {
namespace {

// Throwing out of a constructor ends the test with the message; nothing below could go on.
std::shared_ptr<const config::Config> MustParse(std::string_view yaml) {
  std::string text(yaml);
  if (text.find("listeners:") == std::string::npos)
    text = "listeners: [{address: \"127.0.0.1:80\"}]\n" + text;
  auto config =
      config::Parse(text, "test.yaml", [](const char*) -> const char* { return nullptr; });
  if (config) return *config;
  std::string errors;
  for (const auto& error : config.error()) errors += config::ToString("test.yaml", error) + "\n";
  throw std::runtime_error(errors);
}

}  // namespace

GatewayClient::GatewayClient(FakeLoop& loop, const SocketAddress& to,
                             std::optional<SocketAddress> from)
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

TestGateway::TestGateway(std::string_view yaml, MemoryNetwork::Options options, std::size_t share,
                         void (*add_services)(plugin::Registry&)) {
  loop_.network().options() = options;
  loop_.io().share = share;
  add_services(plugins_);
  auto runtime = app::Prepare(MustParse(yaml), plugins_);
  if (!runtime) throw std::runtime_error(config::ToString("test.yaml", runtime.error().front()));
  runtime_ = std::move(*runtime);
  const config::Config& config = *runtime_.config;
  const std::size_t workers = std::max(1u, config.workers);
  stats_ = std::make_unique<stats::Registry>(app::NamesOf(config), workers);
  stats_source_.stats = stats_.get();
  counts_ = std::make_unique<session::SharedCounts>(config);
  server_log_ = std::make_unique<session::ServerLog>(config, log_);
  memory_ = std::make_unique<io::MemoryTotal>(app::BytesOf(config.memory, app::AvailableMemory()));
  stats_->WatchMemory(*memory_);
  loop_.memory().Join(*memory_);
  memory_report_ = std::make_unique<session::MemoryReport>(loop_.io(), stats_->loop(0).memory, log_,
                                                           [this] { return ++trims_ > 0; });
  memory_guard_ = std::make_unique<io::MemoryGuard>(loop_.io(), *memory_report_);
  shared_ = std::make_unique<session::Shared>(
      runtime_.config, *runtime_.router, runtime_.services, stats_source_, runtime_.client_tls,
      *counts_, *server_log_, *memory_, log_,
      [this](std::size_t to, std::move_only_function<void(session::Gateway&)> task) {
        Post(to, std::move(task));
      });
  options_ = app::HttpOptions(config);
  for (std::size_t i = 0; i < workers; ++i) StartWorker(i, workers);
}

void TestGateway::StartWorker(std::size_t index, std::size_t workers) {
  const config::Config& config = *runtime_.config;
  auto worker = std::make_unique<Worker>();
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    worker->places.emplace_back(
        config.listeners[i].address.ToString(),
        session::ClientPlaces::Limits{.connections = &counts_->connections[i],
                                      .descriptors = &counts_->descriptors,
                                      .process_limit = &counts_->process_limit},
        stats_->loop(index).listener[i], log_);
  }
  worker->gateway = std::make_unique<session::Gateway>(
      *shared_, loop_.io(), scratch_, worker->places, stats_->loop(index), index, workers);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    worker->fronts.push_back(std::make_unique<session::Front>(
        loop_.io(), options_, runtime_.server_tls[i].get(), scratch_,
        worker->gateway->ForListener(i), worker->places[i]));
    SocketAddress address = Address(config.listeners[i].address.ToString());
    // In one process the system would spread the clients of one address.
    if (index > 0) std::get<IpPort>(address).port += static_cast<std::uint16_t>(1000 * index);
    worker->addresses.push_back(address);
    const auto bound = worker->fronts.back()->Listen(address, {});
    if (!bound) throw std::runtime_error(bound.error().message);
  }
  workers_.push_back(std::move(worker));
}

void TestGateway::Post(std::size_t index, std::move_only_function<void(session::Gateway&)> task) {
  workers_[index]->posted.push_back(std::move(task));
  loop_.io().turn.RunLater(*workers_[index]);
}

void TestGateway::Worker::OnLater() {
  for (auto& task : std::exchange(posted, {})) task(*gateway);
}

TestGateway::~TestGateway() {
  for (auto& worker : workers_) {
    for (auto& front : worker->fronts) front->Abandon();
    worker->gateway->Abandon();
  }
  loop_.RunUntilIdle();
}

GatewayClient TestGateway::Connect(std::size_t listener, std::optional<SocketAddress> from) {
  return GatewayClient(loop_, workers_[0]->addresses[listener], std::move(from));
}

GatewayClient TestGateway::ConnectToLoop(std::size_t index) {
  return GatewayClient(loop_, workers_[index]->addresses[0]);
}

}  // namespace upgate::test
