#include "tests/pipeline/test_gateway.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>

#include "gateway/app/memory_limit.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "tests/support/temp_folder.h"

namespace upgate::test {

std::string TlsListener(const TempFolder& folder) {
  const tls::SelfSigned self = tls::MakeSelfSigned({"gateway.test"});
  folder.Write("site.crt", self.cert_pem);
  folder.Write("site.key", self.key_pem);
  return "listeners: [ { address: \"127.0.0.1:443\", tls: { certificates: [ { cert: " +
         folder.At("site.crt") + ", key: " + folder.At("site.key") + " } ] } } ]\n";
}
namespace {

// An exception in the constructor fails the test with this message; nothing else could work.
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
                             const std::optional<SocketAddress>& from)
    : loop_(loop), peer_(loop.network(), to, from) {}

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
  const auto config = MustParse(yaml);
  const std::size_t workers = std::max(1u, config->workers);
  stats_ = std::make_unique<stats::Registry>(app::BuildInfo(), workers);
  const upgrade::PostToLoop post = [this](std::size_t to,
                                          std::move_only_function<void(upgrade::Gateway&)> task) {
    Post(to, std::move(task));
  };
  loops_ = std::make_shared<const app::Loops>(post, workers);
  const app::Serving serving{*stats_, loops_};
  auto generation = app::Prepare(config, plugins_, &serving);
  if (!generation)
    throw std::runtime_error(config::ToString("test.yaml", generation.error().front()));
  generation_ = std::move(*generation);
  stats_->SetOrder(app::RowsOf(*generation_));
  app::ShowServers(*generation_);
  stats_source_.stats = stats_.get();
  counts_ = std::make_unique<upgrade::SharedCounts>();
  server_log_ = std::make_unique<backend::ServerLog>(log_);
  memory_ = std::make_unique<io::MemoryTotal>(app::BytesOf(config->memory, app::AvailableMemory()));
  stats_->WatchMemory(*memory_);
  loop_.memory().Join(*memory_);
  memory_report_ = std::make_unique<session::MemoryReport>(loop_.io(), stats_->loop(0).memory, log_,
                                                           [this] { return ++trims_ > 0; });
  memory_guard_ = std::make_unique<io::MemoryGuard>(loop_.io(), *memory_report_);
  shared_ = std::make_unique<upgrade::Shared>(stats_source_, *counts_, *server_log_, *memory_, log_,
                                              post);
  for (std::size_t i = 0; i < workers; ++i) StartWorker(i, workers);
}

void TestGateway::StartWorker(std::size_t index, std::size_t workers) {
  auto worker = std::make_unique<Worker>();
  worker->gateway = std::make_unique<upgrade::Gateway>(*shared_, loop_.io(), scratch_,
                                                       stats_->loop(index), index, workers);
  worker->gateway->Adopt(generation_);
  worker->listeners =
      std::make_unique<upgrade::LoopListeners>(*worker->gateway, scratch_, worker->places, index);
  worker->listeners->Adopt(*generation_);
  workers_.push_back(std::move(worker));
  Listen(index, {});
}

std::vector<std::string> TestGateway::ListenerNames() const {
  std::vector<std::string> names;
  for (const auto& listener : generation_->listeners) names.push_back(listener->name);
  return names;
}

void TestGateway::Listen(std::size_t index, const std::vector<std::string>& open) {
  Worker& worker = *workers_[index];
  worker.addresses.clear();
  for (std::size_t i = 0; i < generation_->listeners.size(); ++i) {
    const upgrade::ListenerRecord& listener = *generation_->listeners[i];
    SocketAddress address = Address(listener.config->address.ToString());
    // The kernel would distribute the clients of one address over its sockets.
    if (index > 0) std::get<IpPort>(address).port += static_cast<std::uint16_t>(1000 * index);
    worker.addresses.push_back(address);
    if (std::ranges::find(open, listener.name) != open.end()) continue;
    const auto bound = worker.listeners->Listen(i, address, {});
    if (!bound) throw std::runtime_error(bound.error().message);
  }
}

void TestGateway::Reload(std::string_view yaml) {
  Replace(MustParse(yaml), generation_->names);
}

void TestGateway::TakeNames(backend::ServersOfNames names) {
  Replace(generation_->config, std::make_shared<const backend::ServersOfNames>(std::move(names)));
}

void TestGateway::Replace(const std::shared_ptr<const config::Config>& config,
                          std::shared_ptr<const backend::ServersOfNames> names) {
  const app::Serving serving{*stats_, loops_, generation_.get(), std::move(names)};
  auto next = app::Prepare(config, plugins_, &serving);
  if (!next) throw std::runtime_error(config::ToString("test.yaml", next.error().front()));
  std::size_t prepared = 0;
  for (auto& worker : workers_) worker->gateway->Prepare(*next, [&](auto) { ++prepared; });
  while (prepared < workers_.size()) loop_.RunTurn();
  for (const auto& renew : (*next)->renewals) renew();
  const std::vector<std::string> open = ListenerNames();
  generation_ = std::move(*next);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const bool gone = workers_[i]->listeners->Adopt(*generation_);
    workers_[i]->gateway->Switch(gone, nullptr);
    Listen(i, open);
  }
  stats_->SetOrder(app::RowsOf(*generation_));
  app::ShowServers(*generation_);
  loop_.RunUntilIdle();
}

stats::ServerStats& TestGateway::server_stats(std::size_t i) {
  for (const auto& [name, backend] : generation_->backends) {
    for (std::size_t j = 0; j < backend->servers.size(); ++j) {
      if (backend->config->servers[j].index == i) return backend->servers[j]->row->loops[0];
    }
  }
  throw std::runtime_error("no such server");
}

void TestGateway::Post(std::size_t index, std::move_only_function<void(upgrade::Gateway&)> task) {
  if (index >= workers_.size()) return;  // not created yet
  workers_[index]->posted.push_back(std::move(task));
  loop_.io().turn.RunLater(*workers_[index]);
}

void TestGateway::Worker::OnLater() {
  for (auto& task : std::exchange(posted, {})) task(*gateway);
}

TestGateway::~TestGateway() {
  for (auto& worker : workers_) {
    worker->listeners->Abort();
    worker->gateway->Abort();
  }
  loop_.RunUntilIdle();
}

GatewayClient TestGateway::Connect(std::size_t listener, const std::optional<SocketAddress>& from) {
  return {loop_, workers_[0]->addresses[listener], from};
}

GatewayClient TestGateway::ConnectToLoop(std::size_t index) {
  return {loop_, workers_[index]->addresses[0]};
}

}  // namespace upgate::test
