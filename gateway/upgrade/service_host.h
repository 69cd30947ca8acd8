#pragma once

#include <cstddef>
#include <memory>

#include "gateway/base/ref.h"
#include "gateway/plugin/service.h"

namespace upgate::upgrade {

class ServiceHost;

// Runs a task with what another loop has for the same service. Thread-safe; see plugin::Host::Post.
class ServicePost {
 public:
  virtual void PostToService(std::size_t loop, const plugin::Service& service,
                             plugin::Host::Task task) = 0;

 protected:
  ~ServicePost() = default;
};

// The instance of a service on one loop, and what it sees of the loop. There is one on every loop
// as long as any loop has a route that leads to the service, or a session on one: instances count
// on each other.
class ServiceHost final : public RefCounted, private plugin::Host {
 public:
  struct Place {
    io::Loop loop;
    std::size_t index;  // of `loops`
    std::size_t loops;
  };
  // Everything is borrowed and outlives it.
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
