#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "gateway/backend/server.h"
#include "gateway/base/log.h"
#include "gateway/io/network.h"
#include "gateway/tls/context.h"

namespace upgate::backend {

// Asks the servers of all backends with `health` again and again whether they work, and takes those
// down that do not: they get no new clients, on any loop. Each server has its own times, so that a
// check that hangs delays no other. One for the whole process; runs on its loop's thread.
class HealthChecks final {
 public:
  using Backends = std::map<std::string, std::shared_ptr<const BackendRecord>, std::less<>>;

  class Owner {
   public:
    virtual void OnServerDown(const BackendRecord& backend,
                              const std::shared_ptr<ServerRecord>& server) = 0;

   protected:
    ~Owner() = default;
  };

  struct Setup {
    io::Loop loop;
    tls::Scratch& scratch;  // of the loop
    Log& log;
    std::string user_agent;  // of checks over HTTP
  };
  // What is borrowed outlives it.
  HealthChecks(Setup setup, Owner& owner);
  ~HealthChecks();

  // The backends that serve from now on. A server keeps its state as long as it is checked; one
  // that is not checked any more is up. Checks of backends whose part of the file is the same go on
  // as they were, even if the addresses of a name have changed.
  void Watch(const Backends& backends);

 private:
  class Check;

  const Setup setup_;
  Owner& owner_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Check>> checks_;  // by server
};

}  // namespace upgate::backend
