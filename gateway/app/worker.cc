#include "gateway/app/worker.h"

#include <string>
#include <utility>

#include "gateway/app/file_limit.h"
#include "gateway/app/memory_limit.h"
#include "gateway/app/options.h"
#include "gateway/base/side_thread.h"

namespace upgate::app {
namespace {

io::Loop JoinedTo(io::MemoryTotal& memory, net::Loop& loop) {
  loop.memory().Join(memory);
  return loop.view();
}

}  // namespace

std::chrono::microseconds Timed(const std::function<void()>& step) {
  const auto before = std::chrono::steady_clock::now();
  step();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               before);
}

Worker::Worker(std::shared_ptr<const upgrade::Generation> generation, const upgrade::Shared& shared,
               stats::LoopStats& stats, std::size_t index, std::size_t workers)
    : index_(index),
      admin_connections_(MostAdminClients(FileLimit())),
      admin_places_("admin", {.connections = &admin_connections_}, admin_stats_, shared.log),
      loop_({.name_servers = NameServers(*generation->config)}),
      memory_report_(JoinedTo(shared.memory, loop_), stats.memory, shared.log, TrimMemory),
      memory_guard_(loop_.view(), memory_report_),
      log_(shared.log),
      generation_(std::move(generation)),
      gateway_(shared, loop_.view(), scratch_, stats, index, workers),
      listeners_(gateway_, scratch_, places_, index),
      grace_(loop_.timers(), *this) {
  gateway_.Adopt(generation_);
  listeners_.Adopt(*generation_);
}

Worker::~Worker() {
  Join();
}

Result<SocketAddress> Worker::Listen(std::size_t listener, const SocketAddress& address,
                                     io::Sharing sharing) {
  const int backlog = generation_->listeners[listener]->config->backlog;
  return listeners_.Listen(listener, address, {.backlog = backlog, .sharing = sharing});
}

Result<SocketAddress> Worker::Listen(std::size_t listener,
                                     std::unique_ptr<io::BoundSocket> socket) {
  return listeners_.Listen(listener, std::move(socket));
}

Result<SocketAddress> Worker::ListenAdmin(const SocketAddress& address,
                                          http::RequestHandler& admin) {
  if (!admin_front_) {
    admin_front_ =
        std::make_unique<http::Front>(loop_.view(), generation_->http, generation_->admin->tls,
                                      http::Front::Entry{}, scratch_, admin, admin_places_);
  }
  return admin_front_->Listen(address, {});
}

void Worker::Start() {
  thread_ = std::thread([this] {
    BlockSignals();
    loop_.Run();
  });
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Post(std::move_only_function<void(upgrade::Gateway&)> task) {
  loop_.Post([this, run = std::move(task)]() mutable { run(gateway_); });
}

void Worker::Prepare(std::shared_ptr<const upgrade::Generation> generation, Done done) {
  loop_.Post([this, next = std::move(generation), finished = std::move(done)]() mutable {
    gateway_.Prepare(std::move(next), std::move(finished));
  });
}

void Worker::Switch(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets,
                    Done done, std::function<void()> released) {
  loop_.Post([this, next = std::move(generation), bound = std::move(sockets),
              finished = std::move(done), free = std::move(released)]() mutable {
    finished(Timed([&] { SwitchNow(std::move(next), std::move(bound), std::move(free)); }));
  });
}

void Worker::SwitchNow(std::shared_ptr<const upgrade::Generation> generation, Sockets sockets,
                       std::function<void()> released) {
  generation_ = std::move(generation);
  const bool listeners_gone = listeners_.Adopt(*generation_);
  gateway_.Switch(listeners_gone, std::move(released));
  if (admin_front_) admin_front_->Update(generation_->http, generation_->admin->tls, {});
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    for (auto& socket : sockets[i]) {
      const std::string address = ToString(socket->address());
      const auto bound = listeners_.Listen(i, std::move(socket));
      const bool tls = generation_->listeners[i]->config->tls.has_value();
      if (!bound) {
        log_.Error("cannot listen", {{"address", address}, {"why", bound.error().message}});
      } else if (index_ == 0) {
        log_.Info("listening", {{"address", address}, {"tls", tls}, {"purpose", "clients"}});
      }
    }
  }
}

void Worker::Drain(const Stop& stop) {
  loop_.Post([this, stop] { draining_ ? AbandonClients() : BeginDrain(stop); });
}

void Worker::BeginDrain(const Stop& stop) {
  draining_ = true;
  grace_.Arm(stop.timeout);
  gateway_.Drain(stop.code, stop.spread, [this] { LookLater(); });
  listeners_.Drain([this] { LookLater(); });
  LookLater();
}

// Checks in a later task: a connection that is being handed over is not in the session table yet.
void Worker::LookLater() {
  loop_.Post([this] {
    if (gone_ || !listeners_.empty() || gateway_.sessions() > 0) return;
    gone_ = true;
    grace_.Disarm();
    drained_();
  });
}

// Aborting calls the `empty` callbacks.
void Worker::AbandonClients() {
  listeners_.Abort();
  gateway_.Abort();
}

void Worker::Finish() {
  loop_.Post([this] {
    if (admin_front_) admin_front_->Abort();
    loop_.Stop();
  });
}

}  // namespace upgate::app
