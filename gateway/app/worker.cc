#include "gateway/app/worker.h"

#include <pthread.h>

#include <csignal>
#include <string>
#include <utility>

#include "gateway/app/file_limit.h"
#include "gateway/app/memory_limit.h"

namespace upgate::app {
namespace {

io::Loop JoinedTo(io::MemoryTotal& memory, net::Loop& loop) {
  loop.memory().Join(memory);
  return loop.view();
}

std::deque<session::ClientPlaces> PlacesOf(const session::Shared& shared, stats::LoopStats& stats) {
  std::deque<session::ClientPlaces> places;
  for (std::size_t i = 0; i < shared.config->listeners.size(); ++i) {
    const config::Listener& listener = shared.config->listeners[i];
    places.emplace_back(
        listener.address.ToString(),
        session::ClientPlaces::Limits{
            .connections = listener.connections != 0 ? &shared.counts.connections[i] : nullptr,
            .descriptors = &shared.counts.descriptors,
            .process_limit = &shared.counts.process_limit},
        stats.listener[i], shared.log);
  }
  return places;
}

}  // namespace

Worker::Worker(const Runtime& runtime, const session::Shared& shared,
               const http::ServerOptions& options, stats::LoopStats& stats, std::size_t index,
               std::size_t workers)
    : places_(PlacesOf(shared, stats)),
      admin_connections_(MostAdminClients(FileLimit())),
      admin_places_("admin", {.connections = &admin_connections_}, admin_stats_, shared.log),
      memory_report_(JoinedTo(shared.memory, loop_), stats.memory, shared.log, TrimMemory),
      memory_guard_(loop_.view(), memory_report_),
      runtime_(runtime),
      options_(options),
      gateway_(shared, loop_.view(), scratch_, places_, stats, index, workers),
      grace_(loop_.timers(), *this) {
  for (std::size_t i = 0; i < runtime.config->listeners.size(); ++i) {
    fronts_.push_back(std::make_unique<session::Front>(loop_.view(), options_,
                                                       runtime.server_tls[i].get(), scratch_,
                                                       gateway_.ForListener(i), places_[i]));
  }
}

Worker::~Worker() {
  Join();
}

Result<SocketAddress> Worker::Listen(std::size_t listener, const SocketAddress& address,
                                     io::Sharing sharing) {
  return fronts_[listener]->Listen(
      address, {.backlog = runtime_.config->listeners[listener].backlog, .sharing = sharing});
}

Result<SocketAddress> Worker::ListenAdmin(const SocketAddress& address, admin::Admin& admin) {
  if (!admin_front_) {
    admin_front_ = std::make_unique<session::Front>(loop_.view(), options_, nullptr, scratch_,
                                                    admin, admin_places_);
  }
  return admin_front_->Listen(address, {});
}

void Worker::Start() {
  thread_ = std::thread([this] {
    // Signals are for the main thread.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    loop_.Run();
  });
}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::Post(std::move_only_function<void(session::Gateway&)> task) {
  loop_.Post([this, run = std::move(task)]() mutable { run(gateway_); });
}

void Worker::Drain(io::Millis timeout) {
  loop_.Post([this, timeout] { draining_ ? AbandonClients() : BeginDrain(timeout); });
}

void Worker::BeginDrain(io::Millis timeout) {
  draining_ = true;
  grace_.Arm(timeout);
  not_empty_ = fronts_.size() + 1;
  gateway_.Drain([this] { OneEmpty(); });
  for (auto& front : fronts_) front->Drain([this] { OneEmpty(); });
}

void Worker::OneEmpty() {
  if (--not_empty_ > 0) return;
  grace_.Disarm();
  drained_();
}

// Those that are not empty yet say so now.
void Worker::AbandonClients() {
  for (auto& front : fronts_) front->Abandon();
  gateway_.Abandon();
}

void Worker::Finish() {
  loop_.Post([this] {
    if (admin_front_) admin_front_->Abandon();
    loop_.Stop();
  });
}

}  // namespace upgate::app
