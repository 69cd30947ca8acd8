#pragma once

#include <cstddef>
#include <memory>

#include "gateway/base/ref.h"
#include "gateway/plugin/service.h"

namespace upgate::upgrade {

class ServiceHost;

// Runs a task with the instance of the same service on another loop. Thread-safe; see
// plugin::Host::Post.
class ServicePost {
 public:
  virtual void PostToService(std::size_t loop, const plugin::Service& service,
                             plugin::Host::Task task) = 0;

 protected:
  ~ServicePost() = default;
};

// The instance of a service on one loop, and its plugin::Host. Every loop has one as long as any
// loop has a route to the service or a session on it, because instances post tasks to each other.
// On the loop's thread.
class ServiceHost final : public RefCounted, private plugin::Host {
 public:
  struct Place {
    io::Loop loop;
    std::size_t index;  // of this loop, below `loops`
    std::size_t loops;
  };
  // Everything is borrowed and outlives the host.
  ServiceHost(const plugin::Service& service, const Place& place, const plugin::StatsSource& stats,
              ServicePost& others);

  const plugin::Service& service() const { return service_; }
  plugin::Instance& instance() { return *instance_; }

 private:
  const plugin::StatsSource& stats() const override { return stats_; }
  io::Loop loop() override { return place_.loop; }
  std::size_t loop_index() const override { return place_.index; }
  std::size_t loops() const override { return place_.loops; }
  void Post(std::size_t loop_index, Task task) override {
    others_.PostToService(loop_index, service_, std::move(task));
  }

  const plugin::Service& service_;
  const Place place_;
  const plugin::StatsSource& stats_;
  ServicePost& others_;
  std::unique_ptr<plugin::Instance> instance_;
};

}  // namespace upgate::upgrade
